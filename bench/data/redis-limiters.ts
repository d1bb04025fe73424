import { Redis as IoRedis } from 'ioredis'
import { RedisStore as PeerStore } from 'rate-limit-redis'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { createClient } from 'redis'
import type { RateLimitStore } from '../../lib/index.ts'
import { redisStore } from '../../lib/redis.ts'
import type { Candidate } from '../support/candidate.ts'

export const clients = ['node-redis', 'ioredis'] as const
export type ClientName = (typeof clients)[number]

export const OURS = 'drop444'
export const PEER = 'rate-limit-redis'
export const FLEXIBLE = 'rate-limiter-flexible'
export const BLOCKING = 'rate-limiter-flexible, inMemoryBlockOnConsumed'
/** What the client alone takes for a question and its answer. */
export const GET = 'a GET, which decides nothing'

export interface Connection {
  readonly name: ClientName
  readonly client: unknown
  send(...command: string[]): Promise<unknown>
  close(): void
}

export async function connect(name: ClientName, url: string): Promise<Connection> {
  // Whoever asks is told what goes wrong.
  const ignore = () => {}
  if (name === 'ioredis') {
    const client = new IoRedis(url, { lazyConnect: true }).on('error', ignore)
    await client.connect()
    const send = (command = '', ...args: string[]) => client.call(command, ...args)
    return { name, client, send, close: () => client.disconnect() }
  }
  const client = createClient({ url }).on('error', ignore)
  await client.connect()
  return { name, client, send: (...command) => client.sendCommand(command), close: () => client.destroy() }
}

export interface Limit {
  /** Requests of a key that pass at once. */
  readonly requests: number
  readonly windowMs: number
}

/** One request a second, sixty at once; or sixty in a window. */
export const MINUTE: Limit = { requests: 60, windowMs: 60_000 }

export const ourStore = ({ send }: Connection): RateLimitStore =>
  redisStore({ sendCommand: send, prefix: 'ours:' }).scope('bench')

/** A bucket that lets as many pass at once as a window, and what a window does at its end, bit by bit. */
export const bucketOf = ({ requests, windowMs }: Limit) => ({
  rate: (requests * 1e6) / windowMs,
  burst: (requests - 1) * 1000,
  delay: Number.POSITIVE_INFINITY,
})

type Make = (connection: Connection, limit: Limit) => Candidate

const makers: Record<string, Make> = {
  [OURS](connection, limit) {
    const store = ourStore(connection)
    const bucket = bucketOf(limit)
    return {
      ...{ name: nameOn(OURS, connection.name), awaited: true },
      decide: { text: key => store.hit(key, bucket, 0) },
      verdict: decision => (decision as { allowed: boolean }).allowed,
    }
  },
  [PEER](connection, { requests, windowMs }) {
    const store = new PeerStore({ sendCommand: connection.send as never, prefix: 'peer:' })
    store.init({ windowMs } as Parameters<PeerStore['init']>[0])
    return {
      ...{ name: nameOn(PEER, connection.name), awaited: true },
      decide: { text: key => store.increment(key) },
      verdict: client => (client as { totalHits: number }).totalHits <= requests,
    }
  },
  [FLEXIBLE]: (connection, limit) => flexibleOf(FLEXIBLE, connection, limit, {}),
  [BLOCKING]: (connection, limit) =>
    flexibleOf(BLOCKING, connection, limit, { inMemoryBlockOnConsumed: limit.requests }),
  [GET]({ name, send }) {
    return {
      ...{ name: nameOn(GET, name), awaited: true, exempt: 'decides nothing' },
      decide: { text: key => send('GET', key) },
      verdict: () => true,
    }
  },
}

function flexibleOf(
  limiter: string,
  { name, client }: Connection,
  { requests, windowMs }: Limit,
  more: { inMemoryBlockOnConsumed?: number },
): Candidate {
  const store = new RateLimiterRedis({
    ...{ storeClient: client, useRedisPackage: name === 'node-redis', keyPrefix: 'flexible' },
    ...{ points: requests, duration: windowMs / 1000, ...more },
  })
  const passes = () => true
  const fails = (rejection: unknown) => {
    // No Error where the limit is passed, and an Error where something is wrong.
    if (rejection instanceof RateLimiterRes) return false
    throw rejection
  }
  const decide = (key: string) => store.consume(key).then(passes, fails)
  return { name: nameOn(limiter, name), awaited: true, decide: { text: decide } }
}

export const nameOn = (limiter: string, client: ClientName) => `${limiter}, ${client}`

export function limiterOn(limiter: string, connection: Connection, limit: Limit): Candidate {
  const make = makers[limiter]
  if (!make) throw new Error(`no limiter ${limiter}`)
  return make(connection, limit)
}
