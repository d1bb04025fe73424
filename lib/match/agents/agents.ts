import { isRegExp } from 'node:util/types'
import { stateless } from '../expressions/stateless.ts'
import { compileExpressions } from './joined-expressions.ts'
import { literalOf, needlesOf } from './needles.ts'
import { isWhole, wordExpression } from './whole-word.ts'
import { type Counts, compileAutomaton, mostCharacters, type Needle } from './word-automaton.ts'

/** A word or phrase, a RegExp, or an entry of crawler-user-agents (`pattern` is the source of a RegExp). */
export type AgentPattern = string | RegExp | { readonly pattern: string }

/** The pattern that an agent matches, as it was given, or undefined. Of several it is any, but always the same one. */
export type AgentMatcher = (agent: string) => string | undefined

interface Sought {
  readonly shown: string
  readonly expression: RegExp
  /** What stands for the expression: a whole word in any case, or a string as it is. Both are ASCII. */
  readonly word?: string
  readonly literal?: string | undefined
}

/** As few as these are found faster by a RegExp of them all. */
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
 * Places at which a string of the list ends in an agent that are looked at: past that none counts. No browser's has a hundredth
 * of it; strings within strings, again and again, have more.
 */
const MOST_LOOKS = 10_000

/** `startsWith`, which is slower. */
function standsAt(agent: string, literal: string, start: number): boolean {
  for (let at = 0; at < literal.length; at++) {
    if (agent.charCodeAt(start + at) !== literal.charCodeAt(at)) return false
  }
  return true
}

/** What the automaton looks for, and which patterns are left as nothing can be looked for, or there is no room. */
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
 * Compiles patterns, most of which hold a string that can be looked for together with all others'. Where one stands, its own
 * pattern is asked. Throws the SyntaxError of a bad `{ pattern }`.
 */
export function compileAgents(patterns: readonly AgentPattern[]): AgentMatcher {
  const sought = patterns.map(soughtOf)
  const { needles, left } = needlesFor(sought)
  /** The last agent that an expression was asked about, by number: however often its needle stands there, once will do. */
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
