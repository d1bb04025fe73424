import type { Candidate } from './candidate.ts'
import type { Agreement } from './section.ts'
import { type Texts, textAt } from './texts.ts'

/** Two candidates give two answers: then there is nothing to compare. */
export class Disagreement extends Error {}

/** Its answers in order: all, or as many as it manages in the time, but always some. */
async function answersOf(
  { decide, verdict = Boolean }: Candidate,
  texts: Texts,
  milliseconds: number,
): Promise<boolean[]> {
  const answers: boolean[] = []
  const end = performance.now() + milliseconds
  for (let i = 0; i < texts.count && (i < 8 || performance.now() < end); i++) {
    const answer = 'text' in decide ? decide.text(textAt(texts, i)) : decide.index(i)
    answers.push(verdict(await answer))
  }
  return answers
}

/**
 * Asks all candidates all probes, before anything is timed; slow ones as many as they manage in `milliseconds`.
 *
 * @throws Disagreement that names the first probe with two answers, and who gave which
 */
export async function agree(
  at: string,
  candidates: readonly Candidate[],
  texts: Texts,
  milliseconds: number,
): Promise<Agreement> {
  const asked = candidates.filter(({ exempt }) => exempt === undefined)
  const given: { name: string; answers: boolean[] }[] = []
  for (const each of asked)
    given.push({ name: each.name, answers: await answersOf(each, texts, milliseconds) })
  for (let i = 0; i < texts.count; i++) {
    const here = given.filter(({ answers }) => i < answers.length)
    if (here.every(({ answers }) => answers[i] === here[0]?.answers[i])) continue
    const said = here.map(({ name, answers }) => `${name} says ${answers[i] ? 'yes' : 'no'}`)
    throw new Disagreement(`${at}, ${JSON.stringify(textAt(texts, i))}: ${said.join(', ')}`)
  }
  const left = candidates.flatMap(({ name, exempt }) => (exempt === undefined ? [] : `${name}: ${exempt}`))
  return {
    at,
    probes: texts.count,
    yes: shareOfYes(given.map(({ answers }) => answers)),
    candidates: given.map(({ name, answers }) =>
      answers.length < texts.count ? `${name} (the first ${answers.length})` : name,
    ),
    ...(left.length > 0 && { exempt: left.join('; ') }),
  }
}

/** In percent, of whoever was asked most: a share near 0 or 100 would show little. */
function shareOfYes(given: readonly boolean[][]): number {
  const longest = given.reduce((most, each) => (each.length > most.length ? each : most), [])
  return Math.round((100 * longest.filter(Boolean).length) / Math.max(1, longest.length))
}
