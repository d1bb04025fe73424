import type { Redis } from '../../test/support/redis.ts'
import { keyOf } from '../data/limiters.ts'
import {
  BLOCKING,
  type Connection,
  clients,
  FLEXIBLE,
  GET,
  type Limit,
  limiterOn,
  MINUTE,
  nameOn,
  OURS,
  PEER,
} from '../data/redis-limiters.ts'
import { agree } from './agree.ts'
import { ask, raceConcurrent } from './concurrent.ts'
import { inChild } from './in-child.ts'
import type { Finish } from './race.ts'
import { type Agreement, type Context, figure, type Row } from './section.ts'
import { packTexts } from './texts.ts'

export const concurrencies = [1, 32, 256] as const
export type Concurrency = (typeof concurrencies)[number]
export type Finishes = ReadonlyMap<Concurrency, Finish>

/** Different clients, which ask in turn. */
export const KEYS = 100_000
export const CALLS = 'calls per 1,000 decisions'

const hourOf = (requests: number): Limit => ({ requests, windowMs: 3_600_000 })

export const atATime = (concurrent: number) => `${concurrent} at a time`

/** 100 keys in turn, each asked for twice as often as it may. */
export function agreeOn(connection: Connection): Promise<Agreement> {
  const keys = Array.from({ length: 1000 }, (_, i) => keyOf(i % 100))
  const limiters = [OURS, PEER, FLEXIBLE, GET].map(name => limiterOn(name, connection, hourOf(5)))
  return agree(`5 of 10 requests of a key pass, ${connection.name}`, limiters, packTexts(keys), 5000)
}

/** Each of many clients asks now and then: every decision is written. */
export async function passing(
  context: Context,
  connection: Connection,
  agreement: Agreement,
): Promise<Finishes> {
  const candidates = [OURS, PEER, FLEXIBLE, GET].map(name => limiterOn(name, connection, MINUTE))
  const finishes = new Map<Concurrency, Finish>()
  for (const concurrent of concurrencies) {
    const finish = await raceConcurrent(context, {
      ...{ at: `${connection.name}, ${atATime(concurrent)}`, candidates, agreement, concurrent },
      ...{ keyOf: question => keyOf(question % KEYS), passes: true },
    })
    finishes.set(concurrent, finish)
  }
  return finishes
}

/** How often a script was called over the network. */
const callsOf = (redis: Redis) =>
  [...redis.cli('INFO', 'commandstats').matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  )

/** One client that has used up its limit goes on asking. */
export async function flood(context: Context, redis: Redis, connection: Connection): Promise<Row[]> {
  const rows: Row[] = []
  for (const name of [OURS, PEER, FLEXIBLE, BLOCKING]) {
    const candidate = limiterOn(name, connection, hourOf(10))
    const { decide } = candidate
    for (let i = 0; i < 11 && 'text' in decide; i++) await decide.text('flood')
    const before = callsOf(redis)
    const load = { concurrent: 32, milliseconds: context.quick ? 20 : 500, passes: false }
    const { count, milliseconds } = await ask(candidate, { ...load, keyOf: () => 'flood' })
    const calls = (1000 * (callsOf(redis) - before)) / count
    rows.push(
      figure(candidate.name, 'one key, 32 at a time', 'decisions/s', (1000 * count) / milliseconds),
      figure(candidate.name, 'asked of Redis', CALLS, calls),
    )
  }
  return rows
}

const frozenTask = new URL('../tasks/redis-frozen.ts', import.meta.url)

/** Redis stands still: what becomes of decisions. */
export async function frozen(context: Context): Promise<Row[]> {
  const rows: Row[] = []
  const cases = clients.flatMap(client =>
    (client === 'node-redis' ? [OURS, PEER, FLEXIBLE] : [OURS]).map(limiter => [limiter, client] as const),
  )
  for (const [limiter, client] of cases) {
    const candidate = nameOn(limiter, client)
    const milliseconds = limiter === OURS && !context.quick ? '1000' : '300'
    const seen = await inChild<{ longest: number; perSecond: number } | null>(
      ...([frozenTask, limiter, client, milliseconds] as const),
    )
    const skipped = 'no answer while it stands still'
    const [longest, rest] = ['longest decision', 'from then on']
    if (seen === null) {
      rows.push({ candidate, at: longest, unit: 'ms', skipped })
      rows.push({ candidate, at: rest, unit: 'decisions/s', skipped })
    } else {
      rows.push(figure(candidate, longest, 'ms', seen.longest))
      rows.push(figure(candidate, rest, 'decisions/s', seen.perSecond))
    }
  }
  return rows
}
