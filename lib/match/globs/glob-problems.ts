import { judgeablePath } from '../paths/request-path.ts'
import { sentAlphabet } from './alphabet.ts'
import { readGlob, splitNegation } from './glob.ts'
import { expressionOf, isGlobstar } from './glob-expression.ts'
import { GlobProblem } from './glob-problem.ts'
import type { GlobNodes } from './glob-tree.ts'
import { upperHex } from './percent-encoding.ts'

/** The most characters of a glob. */
const LONGEST = 65_536

/** Syntax that means something else to other programs, and what to write instead. */
const mistakes: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'it is empty'],
  [/^[a-z][\w+.-]*:\/\//i, 'it is a URL: write its path alone'],
  [/^\s|\s$/, 'it begins or ends with a blank: write %20 if the path does'],
  [/(?:\/\?|\.\w+)\$$/, 'it ends as a RegExp does: leave the "$" out, or give a RegExp'],
  [/,\s+\/|\s\//, 'it holds two patterns: list each by itself'],
  [/(?:^|[^[])\[:\w+:\](?!\])/, 'a class by name needs brackets of its own: write [[:digit:]]'],
  [/#/, 'what stands behind "#" is never sent: leave it out, or write %23'],
  [/\?[\w.~%-]*=/, 'the query is no part of a path: leave it out, from the "?" on'],
  [/\/\/|\/\.{1,2}(?:\/|$)|%2e|\.\.;|[\x00-\x1f\x7f]/i, 'no path that is judged can match it'],
]

/** Usual names for the rest of a path in Express 5 and routers like it. */
const rest = 'splat|paths?|rest|all|any|slug|file(?:path|name)?|wildcard|params|segments'

/** Parameters of Express, Django, OpenAPI and Next.js. In a glob they would be plain characters, or a class of letters. */
const parameter = /* @__PURE__ */ new RegExp(
  [
    String.raw`(?<=\/)\{?:\w+|(?<=\/@|[.-]):[a-z]\w*|(?<=\/v):version`,
    String.raw`<[\w:-]+>|\{[a-z_]\w*\}`,
    String.raw`(?<=\/)\[{1,2}\.{3}[\w-]+\]{1,2}|(?<=\/)\[\[\w[\w-]*\]\]`,
    String.raw`(?<=\/)\[(?:id|pk|[a-z]{3,}|[a-z]{2,}[_-][a-z]{2,})\](?=\/|$)`,
    String.raw`(?<=\/)\*(?:${rest})(?=\/|$)`,
  ].join('|'),
  'i',
)

/** Whether a `[…]` looks like a class, not like a parameter: letters in order, or in both cases, as in `[abcd]`, `[aAbB]`. */
function isClass(text: string): boolean {
  const letters = /^\[([a-z]+)\]$/i.exec(text)?.[1]?.toLowerCase() ?? ''
  return (
    letters !== '' && (letters === [...letters].sort().join('') || new Set(letters).size < letters.length)
  )
}

/** The reason why a glob can't be used, and what to write instead; undefined if it can be used. */
export function globProblem(pattern: string): string | undefined {
  const { glob } = splitNegation(pattern)
  const [, mistake] = mistakes.find(([found]) => found.test(glob)) ?? []
  if (mistake !== undefined) return mistake
  if (glob.length > LONGEST) return 'it is too long'
  const [named] = parameter.exec(glob) ?? []
  if (named !== undefined && !isClass(named))
    return `"${named}" is no parameter in a glob: write * for one segment`
  try {
    encodeURIComponent(glob)
    const patterns = readGlob(glob, true)
    if (!patterns.every(begins)) return 'it has no leading slash, so no path can match it'
    for (const nodes of patterns) expressionOf(nodes, sentAlphabet(false))
    return patterns.some(canMatch) ? undefined : 'no path that is judged can match it'
  } catch (error) {
    if (error instanceof URIError) return 'it holds half of a character (a lone surrogate)'
    if (error instanceof GlobProblem) return error.message
    throw error
  }
}

const begins = (nodes: GlobNodes) => nodes[0]?.kind === 'slash' || isGlobstar(nodes, 0)

/** Whether a path that can be judged may contain the texts of a glob. */
function canMatch(nodes: GlobNodes): boolean {
  const texts = nodes.map(node =>
    node.kind === 'text' ? node.text : node.kind === 'slash' ? '/' : undefined,
  )
  if (!texts.includes(undefined)) {
    const path = texts.join('').replace(/[^\x21-\x7e]+/g, each => encodeURIComponent(each))
    return judgeablePath(upperHex(path)) !== undefined
  }
  return nodes.every((node, i) => {
    if (node.kind !== 'text') return true
    // A wildcard after the text may match the rest of an escape.
    const isLast = (nodes[i + 1]?.kind ?? 'slash') === 'slash'
    return !/%(?![0-9a-f]{2}|[0-9a-f]?$)|%25[0-9a-f]{2}/i.test(isLast ? `${node.text}/` : node.text)
  })
}
