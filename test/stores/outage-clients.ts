import { Redis } from 'ioredis'
import { createClient, createSentinel } from 'redis'

/** A client as its users have it: it reconnects, and queues what it is given meanwhile. */
export interface Client {
  send(...args: string[]): Promise<unknown>
  close(): void
}

export type ClientKind = 'node-redis' | 'ioredis'

// Without a listener an EventEmitter throws.
const ignore = () => {}

const connects: Record<ClientKind, (port: number) => Client> = {
  'node-redis': port => {
    const client = createClient({ url: `redis://127.0.0.1:${port}` }).on('error', ignore)
    client.connect().catch(ignore)
    return { send: (...args) => client.sendCommand(args), close: () => client.destroy() }
  },
  ioredis: port => {
    const client = new Redis(port, '127.0.0.1', { autoResendUnfulfilledCommands: false }).on('error', ignore)
    return {
      send: (command, ...args) => client.call(command as string, ...args),
      close: () => client.disconnect(),
    }
  },
}

/** Begins to connect; whether there is a server is its own affair. */
export const connectClient = (kind: ClientKind) => (port: number) => connects[kind](port)

/** By a Sentinel, which says where the master is. */
export const sentinelClients: Record<ClientKind, (sentinel: number, name: string) => Client> = {
  'node-redis': (port, name) => {
    const sentinel = createSentinel({
      name,
      sentinelRootNodes: [{ host: '127.0.0.1', port }],
      scanInterval: 500,
      maxCommandRediscovers: 0,
      passthroughClientErrorEvents: false,
    }).on('error', ignore)
    sentinel.connect().catch(ignore)
    return { send: (...args) => sentinel.sendCommand(false, args), close: () => void sentinel.destroy() }
  },
  ioredis: (port, name) => {
    const sentinels = [{ host: '127.0.0.1', port }]
    const client = new Redis({ sentinels, name, autoResendUnfulfilledCommands: false }).on('error', ignore)
    return {
      send: (command, ...args) => client.call(command as string, ...args),
      close: () => client.disconnect(),
    }
  },
}
