import { isRegExp } from 'node:util/types'
import { stateless } from '../expressions/stateless.ts'
import { compileExpressions } from './joined-expressions.ts'
import { literalOf, needlesOf } from './needles.ts'
import { isWhole, wordExpression } from './whole-word.ts'
import { type Counts, compileAutomaton, mostCharacters, type Needle } from './word-automaton.ts'

/** A word or phrase, a RegExp, or an entry of crawler-user-agents. */
export type AgentPattern =
  | string
  | RegExp
  | {
      /** The source of a RegExp, which is used without flags. */
      readonly pattern: string
    }

/** Returns the pattern that an agent matches, as it was given, or undefined. If several match, it is always the same one of them. */
export type AgentMatcher = (agent: string) => string | undefined

interface Sought {
  readonly shown: string
  readonly expression: RegExp
  /** Cheaper stand-ins for the expression, in ASCII: a whole word in any case, or an exact string. */
  readonly word?: string
  readonly literal?: string | undefined
}

/** Up to this many patterns, one RegExp of them all is faster than the automaton. */
const few = 24

function soughtOf(pattern: AgentPattern): Sought {
  if (typeof pattern === 'string') {
    const word = pattern.toLowerCase()
    const entry = { shown: pattern, expression: wordExpression(word) }
    return /^[\0-\x7f]+$/.test(word) ? { ...entry, word } : entry
  }
  if (isRegExp(pattern)) return { shown: String(pattern), expression: stateless(pattern) }
  const expression = new RegExp(pattern.pattern)
  return { shown: pattern.pattern, expression, literal: literalOf(expression) }
}

/**
 * Ends of needles that are looked at in one agent; later ones do not count. The agent of a browser has less than a hundredth of
 * this. Only a text made of needles that contain each other has more.
 */
const MOST_LOOKS = 10_000

/** Does what `startsWith` does, but faster. */
function standsAt(agent: string, literal: string, start: number): boolean {
  for (let at = 0; at < literal.length; at++) {
    if (agent.charCodeAt(start + at) !== literal.charCodeAt(at)) return false
  }
  return true
}

/** The needles of the automaton, and the patterns it can't take: they have no needle, or there is no room for it. */
function needlesFor(sought: readonly Sought[]): { needles: Needle[]; left: number[] } {
  const needles: Needle[] = []
  const left: number[] = []
  let room = sought.length > few ? mostCharacters : 0
  for (const [owner, { expression, word, literal = word }] of sought.entries()) {
    const texts = literal === undefined ? needlesOf(expression) : [literal.toLowerCase()]
    const length = texts?.join('').length ?? 0
    if (!texts || length > room) left.push(owner)
    else {
      room -= length
      for (const text of texts) needles.push({ text, owner })
    }
  }
  return { needles, left }
}

/**
 * Compiles patterns. Most contain a fixed string (needle), and one automaton looks for all needles at once. If a needle is
 * found, its own pattern decides. Throws the SyntaxError of a bad `{ pattern }`.
 */
export function compileAgents(patterns: readonly AgentPattern[]): AgentMatcher {
  const sought = patterns.map(soughtOf)
  const { needles, left } = needlesFor(sought)
  /** For each pattern the round in which its expression was last tested: once for each agent, however often its needle occurs. */
  const askedIn = new Float64Array(sought.length)
  let round = 0
  let looks = 0

  const look = (agent: string, owner: number, end: number): Counts =>
    ++looks > MOST_LOOKS ? 'none behind' : counts(agent, owner, end)

  function counts(agent: string, owner: number, end: number): boolean {
    const { expression, word, literal } = sought[owner] as Sought
    if (word !== undefined) return isWhole(agent, end - word.length, end)
    if (literal !== undefined) return standsAt(agent, literal, end - literal.length)
    if (askedIn[owner] === round) return false
    askedIn[owner] = round
    return expression.test(agent)
  }

  const scan = needles.length > 0 ? compileAutomaton(needles, look) : () => -1
  const find = compileExpressions(left.map(owner => (sought[owner] as Sought).expression))
  return function match(agent) {
    round++
    looks = 0
    const found = scan(agent)
    return sought[found >= 0 ? found : (left[find(agent)] ?? -1)]?.shown
  }
}
