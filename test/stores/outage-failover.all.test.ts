import assert from 'node:assert/strict'
import { createServer, connect as dial, type Socket } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { settle, uncaught } from '../support/events.ts'
import { type Program, startProgram } from '../support/program.ts'
import { type Redis, redisCli, startRedis } from '../support/redis.ts'
import { listen } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { type ClientKind, connectClient, sentinelClients } from './outage-clients.ts'
import { endure } from './outage-endure.ts'
import { fault } from './outage-faults.ts'
import { until } from './outage-site.ts'

/** Watches a master, and makes its replica one half a second after it is gone. */
async function startSentinel(name: string, master: number) {
  return startProgram({
    tool: 'redis-server',
    args: ({ directory }) => [`${directory}/sentinel.conf`, '--sentinel'],
    files: ({ port }) => ({
      'sentinel.conf': [
        `port ${port}`,
        'bind 127.0.0.1',
        `sentinel monitor ${name} 127.0.0.1 ${master} 1`,
        `sentinel down-after-milliseconds ${name} 500`,
        `sentinel failover-timeout ${name} 3000`,
        '',
      ].join('\n'),
    }),
  })
}

async function startReplica(master: number): Promise<Redis> {
  const replica = await startRedis()
  replica.cli('REPLICAOF', '127.0.0.1', String(master))
  await until('the replica has all', () =>
    replica.cli('INFO', 'replication').includes('master_link_status:up'),
  )
  return replica
}

/** Hands on what both say, the server's replies later. */
async function slowProxy(port: () => number) {
  const state = { delay: 0 }
  const join = (client: Socket) => {
    const server = dial(port(), '127.0.0.1')
    client.pipe(server)
    let last: Promise<unknown> = Promise.resolve()
    server.on('data', data => {
      last = Promise.all([last, settle(state.delay)]).then(() => client.write(data))
    })
    for (const each of [client, server]) each.on('error', () => {})
    server.on('close', () => client.destroy())
    client.on('close', () => server.destroy())
  }
  return Object.assign(await listen(createServer(join) as never), { state })
}

const clients: readonly ClientKind[] = ['node-redis', 'ioredis']

describe('outages: failover and delay', { skip: requireTool('redis-server'), concurrency: 4 }, () => {
  afterEach(() => assert.deepEqual(uncaught.splice(0), []))

  for (const client of clients) {
    it(`a replica takes over, by Sentinel: ${client}`, async () => {
      const started: Program[] = []
      const take = <T extends Program>(program: T) => {
        started.unshift(program)
        return program
      }
      let replica: Redis
      try {
        const connect = async (port: number) => {
          replica = take(await startReplica(port))
          const sentinel = take(await startSentinel('fleet', port))
          const known = () => redisCli(sentinel.port, 'SENTINEL', 'REPLICAS', 'fleet')
          await until('the sentinel knows the replica', () => known().includes(String(replica.port)))
          return sentinelClients[client](sentinel.port, 'fleet')
        }
        const failover = { ...fault('kill -9'), keepsData: true, mayLose: true, heal: async () => replica }
        await endure(failover, connect, 'memory')
      } finally {
        for (const program of started) await program.close()
      }
    })

    it(`every answer comes too late: ${client}`, async () => {
      let port = 0
      const proxy = await slowProxy(() => port)
      try {
        await endure(
          {
            name: 'slow',
            keepsData: true,
            isHeard: true,
            strike: () => {
              proxy.state.delay = 900
            },
            heal: () => {
              proxy.state.delay = 0
              return undefined
            },
          },
          real => {
            port = real
            return connectClient(client)(proxy.port)
          },
          'drop',
        )
      } finally {
        await proxy.close()
      }
    })
  }
})
