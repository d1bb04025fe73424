import crawlers from 'crawler-user-agents'
import { isbot } from 'isbot'
import browsers from 'top-user-agents'
import { compileAgents } from '../../lib/match/agents/agents.ts'
import { type Candidate, stringAlone } from '../support/candidate.ts'
import { type Finish, race, seriesOf } from '../support/race.ts'
import { shuffled } from '../support/random.ts'
import { atLeast, atMost, type Context, type Result, type Section } from '../support/section.ts'
import { packTexts } from '../support/texts.ts'

const FEW = 650
const ALL = crawlers.length
const sizes = [16, 100, FEW, ALL]
const [ours, combined, joined] = [
  'drop444',
  'one combined RegExp',
  'one combined RegExp, without groups',
] as const
const [loop, peer] = ['loop of RegExps', 'isbot'] as const

const instancesOf = (count: number) =>
  crawlers.slice(0, count).flatMap(({ instances }) => instances.filter(each => /^[\x01-\xff]+$/.test(each)))

/** The same bots at each size: more patterns must not cost more on them. */
const kinds = { browsers: packTexts(shuffled(browsers)), bots: packTexts(shuffled(instancesOf(FEW))) }
const everyAgent = packTexts(shuffled([...instancesOf(ALL), ...browsers]))

function candidatesFor(count: number): Candidate[] {
  const entries = crawlers.slice(0, count)
  const find = compileAgents(entries)
  const one = new RegExp(entries.map(({ pattern }) => `(?:${pattern})`).join('|'))
  const plain = new RegExp(entries.map(({ pattern }) => pattern).join('|'))
  const each = entries.map(({ pattern }) => new RegExp(pattern))
  return [
    { name: ours, decide: { text: find } },
    { name: combined, decide: { text: agent => one.test(agent) } },
    { name: joined, decide: { text: agent => plain.test(agent) } },
    { name: loop, decide: { text: agent => each.some(expression => expression.test(agent)) } },
    { name: peer, decide: { text: agent => isbot(agent) }, exempt: 'it has a list of its own' },
    stringAlone,
  ]
}

/** Both sizes in the same rounds: what the machine does between two races is no growth. */
async function growth(context: Context, kind: keyof typeof kinds, budgetMs: number) {
  const names = [FEW, ALL].map(count => `drop444, ${count}`) as [string, string]
  const candidates = [FEW, ALL].map((count, i) => ({
    name: names[i] as string,
    decide: { text: compileAgents(crawlers.slice(0, count)) },
    exempt: 'compared above',
  }))
  const finish = await race(context, { at: `growth, ${kind}`, candidates, texts: kinds[kind], budgetMs })
  return atMost(`${ALL} patterns against ${FEW}, ${kind}`, 1.15, finish.ratio(names[1], names[0]))
}

async function run(context: Context): Promise<Result> {
  const budgetMs = context.budgetMs / (2 * sizes.length + 2)
  const result: Required<Result> = { tables: [], targets: [], agreement: [], panels: [], notes: [] }
  for (const kind of ['browsers', 'bots'] as const) {
    const finishes = new Map<number, Finish>()
    for (const count of sizes) {
      const candidates = candidatesFor(count)
      const at = `${count} patterns, ${kind}`
      const finish = await race(context, { at, candidates, texts: kinds[kind], probes: everyAgent, budgetMs })
      finishes.set(count, finish)
      result.agreement.push(finish.agreement)
    }
    result.tables.push({
      title: `User agents: ${kind}`,
      rows: [...finishes.values()].flatMap(each => each.rows),
    })
    result.panels.push({
      title: `User agents: ${kind}`,
      x: 'patterns',
      series: seriesOf(finishes, [ours, combined, loop, peer]),
    })
    const at650 = finishes.get(FEW)
    result.targets.push(
      atLeast(
        `one combined RegExp, ${FEW} patterns, ${kind}`,
        kind === 'bots' ? 10 : 15,
        at650?.ratio(combined, ours),
      ),
      atLeast(`isbot, ${FEW} patterns, ${kind}`, 4, at650?.ratio(peer, ours)),
      await growth(context, kind, budgetMs),
    )
  }
  result.notes.push(
    `Patterns: the first 16, 100, ${FEW} and all ${ALL} of crawler-user-agents. Bots: the instances that it gives for the ` +
      `first ${FEW}. Browsers: top-user-agents.`,
    'isbot asks a list of its own: its time stands beside ours, its answers are not compared.',
  )
  return result
}

export const section: Section = { name: 'agents', title: 'User agents', budgetMs: 30_000, run }
