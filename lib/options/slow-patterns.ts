import { warn } from '../diagnostics/warnings.ts'
import { type Slowness, slownessOf } from '../match/expressions/slowness.ts'

/** The warnings given so far: each sentence is given once. */
const said = new Set<string>()

const much: Readonly<Record<Slowness, string>> = {
  exponential: 'doubles with each character or so',
  polynomial: 'grows faster than the text',
}

/** A user's pattern. `shown` is its text in the warning; default: the expression itself. */
export interface UserPattern {
  readonly expression: RegExp
  readonly shown?: string | undefined
}

/**
 * The sentence about patterns that a crafted text makes slow; undefined if no pattern is slow.
 *
 * @param worst the only kind of slowness to mention; default: both kinds
 */
export function slowSentence(
  where: string,
  patterns: Iterable<UserPattern>,
  worst?: Slowness,
): string | undefined {
  const slow: string[] = []
  for (const { expression, shown = String(expression) } of patterns) {
    const slowness = slownessOf(expression)
    if (slowness && (worst === undefined || slowness === worst)) slow.push(`${shown} ${much[slowness]}`)
  }
  if (slow.length === 0) return undefined
  const more = slow.length > 3 ? `; and ${slow.length - 3} more` : ''
  return `${where}: the time of ${slow.slice(0, 3).join('; of ')}${more}, where a text almost matches. One request can hold up the server`
}

/** Warns of the user's patterns that a crafted text makes slow. */
export function warnOfSlow(where: string, patterns: Iterable<UserPattern>, worst?: Slowness): void {
  const sentence = slowSentence(where, patterns, worst)
  if (sentence === undefined || said.has(sentence)) return
  said.add(sentence)
  warn('DROP444_SLOW_PATTERN', sentence)
}
