import type { Texts } from './texts.ts'

/** One of those that are compared. */
export interface Candidate {
  readonly name: string
  readonly decide: Decide
  /** Whether an answer means yes; default: anything truthy. Not timed. */
  readonly verdict?: (answer: unknown) => boolean
  /** Each answer is awaited before the next question, as its middleware does. */
  readonly awaited?: boolean
  /** Questions of its own, where it isn't asked what the others are. */
  readonly texts?: Texts
  /** Why its answers are not compared with those of the others. */
  readonly exempt?: string
}

/** Takes a text that was just made; or, where no string is made in a real request either, the number of the question. */
export type Decide = { text(text: string): unknown } | { index(index: number): unknown }

/** Asks so many questions, going on where it last stopped, and returns how often the answer was yes. */
export type Batch = (calls: number) => number | Promise<number>

let loops = 0

/**
 * The loop that is timed. Each candidate gets code of its own, not only a closure: else what the engine learns of one
 * candidate's calls slows down the next one's. The number makes the source new to the engine's cache.
 */
export function batchOf({ decide, awaited }: Candidate, { bytes, starts, count }: Texts): Batch {
  const question = 'text' in decide ? 'bytes.latin1Slice(starts[at], starts[at + 1])' : 'at'
  const source = `
    let at = 0
    return ${awaited ? 'async ' : ''}function batch${++loops}(calls) {
      let yes = 0
      for (let i = 0; i < calls; i++) {
        if (${awaited ? 'await ' : ''}decide(${question})) yes++
        if (++at === count) at = 0
      }
      return yes
    }`
  const ask = 'text' in decide ? decide.text : decide.index
  return new Function('decide', 'bytes', 'starts', 'count', source)(ask, bytes, starts, count)
}

/** What every candidate that is given a text pays: its row says how much, and nothing is subtracted. */
export const stringAlone: Candidate = {
  name: 'the fresh string alone',
  decide: { text: text => text.length > 0 },
  exempt: 'decides nothing',
}
