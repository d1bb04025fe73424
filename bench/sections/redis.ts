import { startRedis } from '../../test/support/redis.ts'
import { requireTool } from '../../test/support/tools.ts'
import {
  type ClientName,
  type Connection,
  clients,
  connect,
  FLEXIBLE,
  nameOn,
  OURS,
  PEER,
} from '../data/redis-limiters.ts'
import { seriesOf } from '../support/race.ts'
import {
  agreeOn,
  atATime,
  CALLS,
  type Concurrency,
  concurrencies,
  type Finishes,
  flood,
  frozen,
  KEYS,
  passing,
} from '../support/redis-cases.ts'
import {
  type Agreement,
  atLeast,
  atMost,
  type Context,
  type Panel,
  type Result,
  type Row,
  type Section,
  type Target,
} from '../support/section.ts'

const wanted: Record<ClientName, Record<Concurrency, number>> = {
  'node-redis': { 1: 0.95, 32: 2, 256: 2.5 },
  ioredis: { 1: 0.95, 32: 1, 256: 2 },
}

const PASSING = 'Rate limit in Redis: a decision that passes'

function largest(rows: readonly Row[], unit: string): number | undefined {
  const ours = rows.filter(row => row.unit === unit && row.candidate.startsWith(OURS))
  return ours.length > 0
    ? Math.max(...ours.map(row => ('median' in row ? row.median : Number.NaN)))
    : undefined
}

function targetsOf(
  finishes: ReadonlyMap<ClientName, Finishes>,
  flooding: readonly Row[],
  standing: readonly Row[],
): Target[] {
  const ratios = clients.flatMap(client =>
    concurrencies.map(concurrent => {
      const ratio = finishes.get(client)?.get(concurrent)?.ratio(nameOn(PEER, client), nameOn(OURS, client))
      const text = `decisions a second, against ${PEER}: ${client}, ${atATime(concurrent)}`
      return atLeast(text, wanted[client][concurrent], ratio)
    }),
  )
  return [
    ...ratios,
    atMost('a flood from one key', 0.1, largest(flooding, CALLS), CALLS),
    atMost('the longest decision when Redis freezes, with timeout: 50', 75, largest(standing, 'ms'), 'ms'),
  ]
}

const notes = [
  `Each passing decision is of another client: ${KEYS.toLocaleString('en')} IPv4 addresses in turn, 60 requests a minute each. ` +
    '"At a time" is how many decisions are waited for; whoever has an answer asks the next.',
  'The peers count in fixed windows, one call a decision; drop444 keeps a leaky bucket, and what is asked in one turn of the event ' +
    'loop goes in one call. All share a client, and a Redis without persistence on the same machine: over a network a call takes ' +
    'longer, and batches are larger.',
  `The flood is rejected by ${OURS} from what it remembers until the key can pass again. rate-limiter-flexible does so if ` +
    'inMemoryBlockOnConsumed is set.',
  'Frozen: the process of Redis is stopped, its connections stay open. drop444 is asked as rateLimit asks it, and goes on from ' +
    'memory. The peers wait for as long as the client does.',
]

const panelOf = (client: ClientName, finishes: Finishes): Panel => ({
  ...{ title: `Rate limit in Redis, ${client}`, x: 'decisions at a time' },
  series: seriesOf(
    finishes,
    [OURS, PEER, FLEXIBLE].map(name => nameOn(name, client)),
  ),
})

/** Of a machine without redis-server. */
const withoutRedis = (skipped: string): Result => ({
  tables: [
    {
      title: PASSING,
      rows: clients.flatMap(client =>
        [OURS, PEER, FLEXIBLE].map(name => ({
          ...{ candidate: nameOn(name, client), at: client, unit: 'decisions/s', skipped },
        })),
      ),
    },
  ],
  ...{ targets: targetsOf(new Map(), [], []), agreement: [], notes },
})

async function run(context: Context): Promise<Result> {
  const missing = requireTool('redis-server')
  if (missing) return withoutRedis(missing)
  const finishes = new Map<ClientName, Finishes>()
  const agreement: Agreement[] = []
  const connections: Connection[] = []
  const flooding: Row[] = []
  const redis = await startRedis()
  try {
    for (const client of clients) {
      const connection = await connect(client, redis.url)
      connections.push(connection)
      const agreed = await agreeOn(connection)
      agreement.push(agreed)
      redis.cli('FLUSHALL')
      finishes.set(client, await passing(context, connection, agreed))
      redis.cli('FLUSHALL')
    }
    context.progress('a flood from one key')
    flooding.push(...(await flood(context, redis, connections[0] as Connection)))
  } finally {
    for (const { close } of connections) close()
    await redis.close()
  }
  context.progress('Redis freezes')
  const standing = await frozen(context)
  const rows = [...finishes.values()].flatMap(each => [...each.values()].flatMap(finish => finish.rows))
  return {
    tables: [
      { title: PASSING, rows },
      { title: 'Rate limit in Redis: one client that has used up its limit', rows: flooding },
      { title: 'Rate limit in Redis: when Redis freezes', rows: standing },
    ],
    ...{ targets: targetsOf(finishes, flooding, standing), agreement, notes },
    panels: [...finishes].map(([client, each]) => panelOf(client, each)),
  }
}

export const section: Section = { name: 'redis', title: 'Rate limit in Redis', budgetMs: 25_000, run }
