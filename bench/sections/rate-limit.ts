import {
  byString,
  byWords,
  flexible,
  keyOf,
  limiterNames,
  limiterOf,
  peerStore,
  peerUnawaited,
} from '../data/limiters.ts'
import { agree } from '../support/agree.ts'
import { stringAlone } from '../support/candidate.ts'
import { inChild } from '../support/in-child.ts'
import { type Finish, finish, race, seriesOf } from '../support/race.ts'
import {
  type Agreement,
  atLeast,
  atMost,
  type Context,
  figure,
  type Result,
  type Row,
  type Section,
} from '../support/section.ts'
import { spreadOf } from '../support/spread.ts'
import { packTexts } from '../support/texts.ts'

const candidatesFor = (keys: readonly string[], limit?: number) =>
  limiterNames.map(name => limiterOf(name, keys.length, keys, limit))

/** What a rate limit of ours has room for if nothing is said. */
const DEFAULT_ROOM = 100_000

const keysOf = (count: number) => Array.from({ length: count }, (_, i) => keyOf(i))
const keysAt = (count: number) => `${count.toLocaleString('en')} keys`

/** 100 keys in turn, each asked for more often than it may. */
function agreeOnLimits(): Promise<Agreement> {
  const keys = Array.from({ length: 1000 }, (_, i) => keyOf(i % 100))
  return agree('5 of 10 requests of a key pass', candidatesFor(keys, 5), packTexts(keys), 5000)
}

/** Few keys, which every store knows already. */
async function known(context: Context, count: number): Promise<Finish> {
  const keys = keysOf(count)
  const candidates = [...candidatesFor(keys), peerUnawaited()]
  for (const { decide } of candidates)
    for (const [i, key] of keys.entries()) await ('text' in decide ? decide.text(key) : decide.index(i))
  return race(context, {
    at: keysAt(count),
    candidates: [...candidates.map(each => ({ exempt: 'compared at a limit', ...each })), stringAlone],
    ...{ texts: packTexts(keys), budgetMs: context.budgetMs / 2 },
  })
}

const task = (name: string) => new URL(`../tasks/${name}.ts`, import.meta.url)
const isOurs = (name: string) => name === byWords || name === byString

/** A flood from many addresses, for each room that we may have; a process each, or one would collect another's garbage. */
async function rotating(
  context: Context,
  count: number,
  rooms: readonly number[],
  agreement: Agreement,
): Promise<Finish[]> {
  const rounds = rooms.map(() => new Map<string, number[]>())
  const measure = (name: string, room: number) =>
    inChild<number>(task('limit-rotate'), name, String(count), String(room))
  for (let round = 0; round < (context.quick ? 1 : 3); round++) {
    context.progress(`${keysAt(count)}, rotating, round ${round + 1}`)
    for (const name of [...limiterNames, 'alone']) {
      let ns: number | undefined
      for (const [i, room] of rooms.entries()) {
        // The peers know no room: one figure is all that there is of them.
        if (ns === undefined || isOurs(name)) ns = await measure(name, room)
        rounds[i]?.set(name, [...(rounds[i]?.get(name) ?? []), ns])
      }
    }
  }
  return rounds.map((own, i) => {
    const at = `${keysAt(count)}, rotating; room for ${rooms[i]?.toLocaleString('en')}`
    const rows = [...own].map(([name, each]): Row => {
      const candidate = name === 'alone' ? stringAlone.name : name
      return {
        candidate,
        at: isOurs(name) ? at : `${keysAt(count)}, rotating`,
        unit: 'ns',
        ...spreadOf(each),
      }
    })
    return finish(i === 0 ? rows : rows.filter(({ candidate }) => isOurs(candidate)), agreement, own)
  })
}

async function bytes(count: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const [name, coming] of [
    [byString, count],
    [byString, 4 * count],
    [peerStore, count],
    [flexible, count],
  ] as const) {
    const at = `${coming.toLocaleString('en')} keys, room for ${name === byString ? count.toLocaleString('en') : 'all'}`
    const held = await inChild<number>(task('limit-memory'), name, String(count), String(coming))
    rows.push(figure(name, at, 'bytes a key', held))
  }
  return rows
}

async function worstCalls(context: Context, count: number): Promise<Row[]> {
  const rows: Row[] = []
  const calls = 1.25 * count
  for (const name of limiterNames) {
    const numbers = [count, calls, context.quick ? 1 : 3].map(String)
    const worst = await inChild<number>(task('limit-worst-call'), name, ...numbers)
    rows.push(figure(name, `${calls.toLocaleString('en')} calls`, 'ms', worst))
  }
  return rows
}

const largest = (rows: readonly Row[], names: readonly string[]) =>
  Math.max(...rows.map(row => (names.includes(row.candidate) && 'median' in row ? row.median : 0)))

async function run(context: Context): Promise<Result> {
  const many = context.quick ? 20_000 : 1_000_000
  const agreement = await agreeOnLimits()
  const hot = await known(context, 100)
  const more = await known(context, 10_000)
  const rooms = [many, Math.min(DEFAULT_ROOM, many / 2)]
  const [roomy, flood] = (await rotating(context, many, rooms, agreement)) as [Finish, Finish]
  const finishes = new Map([
    [100, hot],
    [10_000, more],
    [many, roomy],
  ])
  context.progress('bytes a key')
  const held = await bytes(many)
  context.progress('longest call')
  const worst = await worstCalls(context, many)
  return {
    tables: [
      { title: 'Rate limit: a decision', rows: [...finishes.values(), flood].flatMap(({ rows }) => rows) },
      { title: 'Rate limit: memory', rows: held },
      { title: 'Rate limit: the longest call', rows: worst },
    ],
    targets: [
      atLeast('MemoryStore, hot keys, by address words', 2, hot.ratio(peerStore, byWords)),
      atLeast('MemoryStore, hot keys, by string', 2, hot.ratio(peerStore, byString)),
      atLeast('MemoryStore, rotating keys, by address words', 8, flood.ratio(peerStore, byWords)),
      atLeast('MemoryStore, rotating keys, by string', 8, flood.ratio(peerStore, byString)),
      atMost('memory, also with four times as many keys', 32, largest(held, [byString]), 'bytes a key'),
      atMost('the longest call', 1, largest(worst, [byWords, byString]), 'ms'),
    ],
    agreement: [agreement],
    panels: [{ title: 'Rate limit', x: 'keys', series: seriesOf(finishes, limiterNames) }],
    notes: [
      'Keys are IPv4 addresses, asked in turn. Rotating: a new store meets each of them, and once again; three rounds, a process ' +
        'each. Else the store knows them.',
      'Room for 100,000 keys is what rateLimit has by default, and what the targets for rotating keys mean: it forgets who asks ' +
        'least. The peers have no bound.',
      'Address words are what a connection’s address is kept as: no string is made. Each decision reads the clock once.',
      'The peers keep each key for its whole window.',
      'The longest call: of each call the shortest of three runs counts, with new keys, then known ones.',
    ],
  }
}

export const section: Section = { name: 'rate-limit', title: 'Rate limit in memory', budgetMs: 10_000, run }
