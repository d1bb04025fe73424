import { GlideClient, GlideClusterClient } from '@valkey/valkey-glide'
import { Cluster, Redis } from 'ioredis'
import { Redis as Valkey, Cluster as ValkeyCluster } from 'iovalkey'
import { createClient, createCluster } from 'redis'
import type { RedisStoreOptions } from '../../../lib/redis.ts'

/** A connected client, as an app has it. */
export interface Client {
  /** What redisStore is given of it. */
  readonly options: RedisStoreOptions
  close(): void
}

type Connect = (ports: readonly number[]) => Promise<Client>

// What a test does to a server is nothing that its client need tell of.
const silent = () => {}

async function nodeRedis([port]: readonly number[]): Promise<Client> {
  const client = createClient({ url: `redis://127.0.0.1:${port}` })
  client.on('error', silent)
  await client.connect()
  return {
    options: { sendCommand: (...args) => client.sendCommand(args) },
    close: () => client.destroy(),
  }
}

// As the documentation has it: sent again, what a cut connection has lost would be counted twice.
const once = { autoResendUnfulfilledCommands: false }

const ioredis: Connect = async ([port = 0]) => {
  const client = new Redis(port, { ...once, retryStrategy: () => 50 })
  client.on('error', silent)
  return {
    options: { sendCommand: (command, ...args) => client.call(command, ...args) },
    close: () => client.disconnect(),
  }
}

const iovalkey: Connect = async ([port = 0]) => {
  const client = new Valkey(port, once)
  client.on('error', silent)
  return {
    options: { sendCommand: (command, ...args) => client.call(command, ...args) },
    close: () => client.disconnect(),
  }
}

const addressesOf = (ports: readonly number[]) => ports.map(port => ({ host: '127.0.0.1', port }))

const glide: Connect = async ports => {
  const client = await GlideClient.createClient({ addresses: addressesOf(ports) })
  return {
    options: { sendCommand: (...args) => client.customCommand(args) },
    close: () => client.close(),
  }
}

/** Clients of one server. */
export const clients: Record<string, Connect> = {
  'node-redis': nodeRedis,
  ioredis,
  iovalkey,
  'valkey-glide': glide,
}

/** Clients of a Cluster. */
export const clusterClients: Record<string, Connect> = {
  async 'node-redis cluster'(ports) {
    const cluster = createCluster({ rootNodes: ports.map(port => ({ url: `redis://127.0.0.1:${port}` })) })
    cluster.on('error', silent)
    await cluster.connect()
    return {
      options: {
        sendCommandCluster: ({ key, isReadOnly, command }) => cluster.sendCommand(key, isReadOnly, command),
      },
      close: () => cluster.destroy(),
    }
  },
  async 'ioredis Cluster'(ports) {
    const cluster = new Cluster(addressesOf(ports), { retryDelayOnFailover: 0 })
    cluster.on('error', silent)
    return {
      options: { sendCommand: (command, ...args) => cluster.call(command, ...args) },
      close: () => cluster.disconnect(),
    }
  },
  async 'iovalkey Cluster'(ports) {
    const cluster = new ValkeyCluster(addressesOf(ports), { retryDelayOnFailover: 0 })
    cluster.on('error', silent)
    return {
      // It finds the key of a command in small letters alone.
      options: { sendCommand: (command, ...args) => cluster.call(command.toLowerCase(), ...args) },
      close: () => cluster.disconnect(),
    }
  },
  async 'valkey-glide cluster'(ports) {
    const cluster = await GlideClusterClient.createClient({ addresses: addressesOf(ports) })
    return {
      options: { sendCommand: (...args) => cluster.customCommand(args) },
      close: () => cluster.close(),
    }
  },
}

export const connectNodeRedis = nodeRedis
