import { Disagreement } from './agree.ts'
import type { Candidate } from './candidate.ts'
import { type Finish, finish } from './race.ts'
import type { Agreement, Context, Row } from './section.ts'
import { spreadOf } from './spread.ts'

export interface Load {
  /** How many decisions are waited for at a time. */
  readonly concurrent: number
  readonly milliseconds: number
  /** The key of each question, made anew each time. */
  keyOf(question: number): string
  /** What each answer has to be. */
  readonly passes: boolean
}

/**
 * Has so many ask at a time, each the next question when it has its answer; returns how many were answered, and the time.
 *
 * @param from the number of the first question
 */
export async function ask(
  candidate: Candidate,
  load: Load,
  from = 0,
): Promise<{ count: number; milliseconds: number }> {
  const { decide, verdict = Boolean, name } = candidate
  if (!('text' in decide)) throw new Error(`${name} takes no key`)
  const start = performance.now()
  const end = start + load.milliseconds
  let count = 0
  let asked = from
  const one = async () => {
    while (performance.now() < end) {
      const key = load.keyOf(asked++)
      const answer = await decide.text(key)
      if (verdict(answer) !== load.passes)
        throw new Disagreement(`${name}: ${key} ${load.passes ? 'does not pass' : 'passes'}`)
      count++
    }
  }
  await Promise.all(Array.from({ length: load.concurrent }, one))
  return { count, milliseconds: performance.now() - start }
}

export interface ConcurrentRace extends Omit<Load, 'milliseconds'> {
  readonly at: string
  readonly candidates: readonly Candidate[]
  readonly agreement: Agreement
}

/** Times the candidates side by side, in rounds in which each has its turn, another one first each time. */
export async function raceConcurrent(context: Context, setup: ConcurrentRace): Promise<Finish> {
  const { at, candidates, agreement } = setup
  const [milliseconds, rounds] = context.quick ? [20, 2] : [120, 7]
  context.progress(at)
  const nanoseconds = new Map<string, number[]>(candidates.map(({ name }) => [name, []]))
  const asked = new Map<Candidate, number>()
  /** Each goes on where it stopped, or it would be about the same few keys in each round. */
  const goOn = async (candidate: Candidate, milliseconds: number) => {
    const from = asked.get(candidate) ?? 0
    const answered = await ask(candidate, { ...setup, milliseconds }, from)
    asked.set(candidate, from + answered.count)
    return answered
  }
  for (const candidate of candidates) await goOn(candidate, milliseconds / 2)
  for (let round = 0; round < rounds; round++) {
    const first = round % candidates.length
    for (const candidate of [...candidates.slice(first), ...candidates.slice(0, first)]) {
      const { count, milliseconds: spent } = await goOn(candidate, milliseconds)
      nanoseconds.get(candidate.name)?.push((spent * 1e6) / count)
    }
  }
  const rows = candidates.map(({ name }): Row => {
    const perSecond = (nanoseconds.get(name) as number[]).map(ns => 1e9 / ns)
    return { candidate: name, at, unit: 'decisions/s', ...spreadOf(perSecond) }
  })
  return finish(rows, agreement, nanoseconds)
}
