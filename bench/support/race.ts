import { agree } from './agree.ts'
import { type Batch, batchOf, type Candidate } from './candidate.ts'
import type { Agreement, Context, Panel, Row } from './section.ts'
import { medianOf, spreadOf } from './spread.ts'
import type { Texts } from './texts.ts'

/** Who takes longer for one call is left out: a round would take longer than the rest of the bench. */
const TOO_SLOW_MS = 200

export interface Race {
  /** The size or the case: the second column of the table. */
  readonly at: string
  readonly candidates: readonly Candidate[]
  readonly texts: Texts
  /** What they have to agree on; default: `texts`. */
  readonly probes?: Texts
  /** Who was too slow at a smaller size, and is left out; whoever is at this one is added. */
  readonly tooSlow?: Set<string>
  /** How long the timing may go on. It is longer if that is less than the least number of rounds. */
  readonly budgetMs: number
}

export interface Finish {
  readonly rows: Row[]
  readonly agreement: Agreement
  /** Nanoseconds a call, the median of the rounds; undefined of who was left out. */
  ns(name: string): number | undefined
  /** How many times as long one takes as the other, the median over rounds: what slows a whole round cancels out. */
  ratio(slow: string, fast: string): number | undefined
}

interface Runner {
  readonly name: string
  readonly batch: Batch
  calls: number
  readonly rounds: number[]
}

async function time({ batch, calls }: Runner): Promise<number> {
  const start = performance.now()
  const answer = batch(calls)
  if (typeof answer !== 'number') await answer
  return performance.now() - start
}

/**
 * Whether a call is quick enough, by the third and the fourth: the first two may compile what they use, and one alone may be
 * over early by luck.
 */
async function isQuick(runner: Runner, limitMs: number): Promise<boolean> {
  for (let call = 0; call < 4; call++) {
    const spent = await time(runner)
    if (spent > limitMs && (call > 1 || spent > 5 * limitMs)) return false
  }
  return true
}

/** Sets how many calls fill a round; the engine has compiled the loop by then. */
async function calibrate(runner: Runner, batchMs: number): Promise<void> {
  for (let spent = await time(runner); spent < batchMs; spent = await time(runner))
    runner.calls = Math.ceil(runner.calls * Math.min(8, Math.max(1.2, (1.1 * batchMs) / spent)))
}

/** Times the candidates side by side, a batch of each in turn, once they agree. */
export async function race(context: Context, setup: Race): Promise<Finish> {
  const { at, candidates, texts, probes = texts, budgetMs, tooSlow = new Set() } = setup
  const [batchMs, least, most, limitMs] = context.quick ? [1, 3, 3, 50] : [25, 7, 25, TOO_SLOW_MS]
  context.progress(at)
  const runners: Runner[] = []
  for (const candidate of candidates) {
    const { name } = candidate
    if (tooSlow.has(name)) continue
    const runner = { name, batch: batchOf(candidate, candidate.texts ?? texts), calls: 1, rounds: [] }
    if (await isQuick(runner, limitMs)) runners.push(runner)
    else tooSlow.add(name)
  }
  const asked = candidates.filter(({ name }) => !tooSlow.has(name))
  const agreement = await agree(at, asked, probes, context.quick ? 20 : 200)
  for (const runner of runners) await calibrate(runner, batchMs)
  const start = performance.now()
  // On a machine that is busy with something else three rounds have to do.
  const goesOn = (round: number) => {
    const spent = performance.now() - start
    return round < 3 || (round < least ? context.quick || spent < 4 * budgetMs : spent < budgetMs)
  }
  for (let round = 0; round < most && goesOn(round); round++) {
    for (const runner of runners) runner.rounds.push(((await time(runner)) * 1e6) / runner.calls)
  }
  const skipped = `a call takes longer than ${limitMs} ms, here or at a smaller size`
  const rounds = new Map(runners.map(each => [each.name, each.rounds]))
  return finish(
    candidates.map(({ name }): Row => {
      const own = rounds.get(name)
      return { candidate: name, at, unit: 'ns', ...(own ? spreadOf(own) : { skipped }) }
    }),
    agreement,
    rounds,
  )
}

/** What is told of rounds that were timed side by side, in nanoseconds a call. */
export const finish = (
  rows: Row[],
  agreement: Agreement,
  rounds: ReadonlyMap<string, readonly number[]>,
): Finish => ({
  ...{ rows, agreement },
  ns: name => (rounds.has(name) ? medianOf(rounds.get(name) as number[]) : undefined),
  ratio(slow, fast) {
    const [a, b] = [rounds.get(slow), rounds.get(fast)]
    return a && b && medianOf(a.map((value, i) => value / (b[i] as number)))
  },
})

/** Cost over size, for the plot. */
export const seriesOf = (finishes: ReadonlyMap<number, Finish>, names: readonly string[]): Panel['series'] =>
  names.map(name => ({
    name,
    points: [...finishes].flatMap(([size, finish]): [number, number][] => {
      const ns = finish.ns(name)
      return ns === undefined ? [] : [[size, ns]]
    }),
  }))
