import { isRegExp } from 'node:util/types'
import { stateless } from './stateless.ts'

/** A word or phrase, a RegExp, or an entry of crawler-user-agents (`pattern` is the source of a RegExp). */
export type AgentPattern = string | RegExp | { readonly pattern: string }

/** The pattern that an agent matches, as it was given, or undefined. */
export type AgentMatcher = (agent: string) => string | undefined

const isWord = (character: string | undefined) => character !== undefined && /\w/.test(character)

/** Whole words only: "Disco" is not in "Discourse". Where the text itself ends in no word character, any neighbour will do. */
function wordSource(text: string): string {
  const literal = text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  return `${isWord(text[0]) ? '(?<!\\w)' : ''}${literal}${isWord(text.at(-1)) ? '(?!\\w)' : ''}`
}

/** Compiles strings into one expression and takes each RegExp as it is. Throws the SyntaxError of a bad `{ pattern }`. */
export function compileAgents(patterns: readonly AgentPattern[]): AgentMatcher {
  const texts = new Map<string, string>()
  const expressions: { expression: RegExp; shown: string }[] = []
  for (const pattern of patterns) {
    if (typeof pattern === 'string') texts.set(pattern.toLowerCase(), pattern)
    else if (isRegExp(pattern)) expressions.push({ expression: stateless(pattern), shown: String(pattern) })
    else expressions.push({ expression: new RegExp(pattern.pattern), shown: pattern.pattern })
  }
  const words = texts.size === 0 ? undefined : new RegExp([...texts.keys()].map(wordSource).join('|'), 'i')
  return agent => {
    const found = words?.exec(agent)?.[0]
    if (found !== undefined) return texts.get(found.toLowerCase()) ?? found
    return expressions.find(({ expression }) => expression.test(agent))?.shown
  }
}
