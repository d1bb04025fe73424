import { addressList } from '../../lib/options/address-list.ts'
import { peerAddressOf } from '../../lib/request/peer-address.ts'
import {
  addressesFor,
  blockList,
  entriesOf,
  type Family,
  families,
  ipFilter,
  matchers,
  ours,
  parsedOnce,
  rangeCheck,
} from '../data/cidrs.ts'
import { type Candidate, stringAlone } from '../support/candidate.ts'
import { inChild } from '../support/in-child.ts'
import { type Finish, race, seriesOf } from '../support/race.ts'
import {
  atLeast,
  atMost,
  type Context,
  figure,
  type Result,
  type Row,
  type Section,
} from '../support/section.ts'
import { packTexts, type Texts } from '../support/texts.ts'

const CONNECTIONS = 1000
const memoised = 'drop444, known on the connection'

const sizesOf = ({ quick }: Context) => [10, 1000, quick ? 2000 : 100_000, quick ? 5000 : 1_000_000] as const
const task = (name: string) => new URL(`../tasks/${name}.ts`, import.meta.url)
const numberOf = (count: number) => count.toLocaleString('en')

/** The verdict that a keep-alive connection's address has already: no text is parsed again. */
function onConnection(entries: string[], addresses: readonly string[]): Candidate {
  const set = addressList('denyCidr', 'list', entries)
  const sockets = addresses.map(remoteAddress => ({ remoteAddress }))
  const decide = (i: number) => {
    const socket = sockets[i] as (typeof sockets)[number]
    const peer = peerAddressOf(socket, socket as never)
    return peer !== undefined && set.match(peer) !== undefined
  }
  return { name: memoised, decide: { index: decide }, texts: packTexts(addresses.slice(0, CONNECTIONS)) }
}

/** What the sizes of a family share. */
interface Course {
  readonly family: Family
  readonly tooSlow: Set<string>
  /** Our set at each size, with addresses of its own. */
  readonly sets: Candidate[]
  /** What compiling took. */
  readonly builds: Row[]
}

/** Compiles with everyone, then asks everyone. */
async function lookUp(context: Context, count: number, course: Course): Promise<Finish> {
  const { family, tooSlow, sets, builds } = course
  const entries = entriesOf(family, count)
  const addresses = addressesFor(family, entries, context.quick ? 500 : 20_000)
  const texts = packTexts(addresses)
  const at = `${numberOf(count)} ${family}`
  const candidates = Object.entries(matchers).map(([name, compile]): Candidate => {
    const start = performance.now()
    const matches = compile(entries)
    const compiles = name !== rangeCheck && name !== ipFilter
    if (compiles) builds.push(figure(name, at, 'ms', performance.now() - start))
    if (name === ours)
      sets.push({ name: at, texts, decide: { text: matches }, exempt: 'compared at its size' })
    return { name, decide: { text: matches } }
  })
  return race(context, {
    ...{ at, texts, tooSlow, budgetMs: context.budgetMs / 15 },
    candidates: [...candidates, onConnection(entries, addresses), stringAlone],
  })
}

/** The smallest and the largest set in the same rounds: what the machine does between two races is no growth. */
async function growth(context: Context, { family, sets }: Course) {
  const [few, many] = [sets[0], sets.at(-1)] as [Candidate, Candidate]
  const finish = await race(context, {
    ...{ at: `growth, ${family}`, candidates: [few, many], texts: few.texts as Texts },
    budgetMs: context.budgetMs / 15,
  })
  return atMost(`${family}: the largest set against the smallest`, 2.5, finish.ratio(many.name, few.name))
}

interface Built {
  pause: number
  total: number
  bytes: number
}

/** Ours of the largest set; the others' bytes don't depend on how many, and a smaller one is compiled sooner. */
async function bytesARange(family: Family, [, , many, most]: readonly number[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const [name, count = 0] of [
    [ours, most],
    [blockList, many],
    [parsedOnce, many],
  ] as const) {
    const held = await inChild<number>(task('cidr-memory'), name, family, String(count))
    rows.push(figure(name, `${numberOf(count)} ${family}`, 'bytes', held))
  }
  return rows
}

const medianIn = (rows: readonly Row[], name: string) => {
  const row = rows.find(({ candidate }) => candidate === name)
  return row && 'median' in row ? row.median : undefined
}

async function run(context: Context): Promise<Result> {
  const sizes = sizesOf(context)
  const result: Required<Result> = { tables: [], targets: [], agreement: [], panels: [], notes: [] }
  const [builds, memory]: [Row[], Row[]] = [[], []]
  for (const family of context.quick ? (['mixed'] as const) : families) {
    const finishes = new Map<number, Finish>()
    const course: Course = { family, tooSlow: new Set(), sets: [], builds }
    for (const count of sizes) {
      const finish = await lookUp(context, count, course)
      finishes.set(count, finish)
      result.agreement.push(finish.agreement)
    }
    const grown = await growth(context, course)
    context.progress(`${family}: memory and building`)
    const [ten, thousand, many, most] = sizes
    const at = `${numberOf(most)} ${family}`
    const runs = context.quick ? '1' : '3'
    const built = await inChild<Built>(task('cidr-pause'), family, String(most), runs)
    builds.push(figure('drop444, asynchronous', at, 'ms', built.total))
    builds.push(figure('drop444, its longest pause', at, 'ms', built.pause))
    const held = await bytesARange(family, sizes)
    memory.push(figure('drop444, CidrSet.bytes', at, 'bytes', built.bytes), ...held)
    const ratioAt = (count: number) => finishes.get(count)?.ratio(blockList, ours)
    result.targets.push(
      atLeast(`${family}: net.BlockList, ${ten} ranges`, 8, ratioAt(ten)),
      atLeast(`${family}: net.BlockList, ${numberOf(thousand)} ranges`, 30, ratioAt(thousand)),
      atLeast(`${family}: net.BlockList, ${numberOf(many)} ranges`, 5000, ratioAt(many)),
      grown,
      atMost(`${family}: memory a range`, 20, medianIn(held, ours), 'bytes'),
      atMost(`${family}: longest pause of the asynchronous builder`, 20, built.pause, 'ms'),
    )
    const rows = [...finishes.values()].flatMap(each => each.rows)
    result.tables.push({ title: `Address in a set of CIDRs: ${family}`, rows })
    result.panels.push({
      title: `Address in a set of CIDRs: ${family}`,
      x: 'ranges',
      series: seriesOf(finishes, [ours, blockList, parsedOnce, rangeCheck, ipFilter]),
    })
  }
  result.tables.push({ title: 'Building a set', rows: builds }, { title: 'Memory a range', rows: memory })
  result.notes.push(
    'Half of the addresses are in a range. Ranges: /24 to /32 of IPv4, /32 to /64 of IPv6.',
    'Known on the connection: the same address asks again, as on a keep-alive connection.',
    'Longest pause: between two turns of the event loop; of three runs the one with the shortest.',
    'Memory: what the heap and what lies outside of it hold more; of net.BlockList, which Node doesn’t count, what is resident.',
  )
  return result
}

export const section: Section = { name: 'cidr', title: 'Address in a set of CIDRs', budgetMs: 45_000, run }
