import { compilePathItems, MAX_DIGITS, type PathItem } from './path-match.ts'
import { isIdentifier } from './regex/groups.ts'
import { PythonSyntaxError } from './regex/reader.ts'
import { translate } from './regex/translate.ts'

/** Where in a path a pattern's match ends, or -1. */
export type Match = (path: string) => number

/** A compiled pattern. */
export interface Pattern {
  readonly match: Match
  /** The text that all paths that it matches begin with, as far as that is known. */
  readonly start: string
  /** The expression, if the project has written it itself. */
  readonly expression?: RegExp
}

/** Django's own converters (`django.urls.converters`). */
const builtIn: Readonly<Record<string, string>> = {
  int: '[0-9]+',
  path: '.+',
  slug: '[-a-zA-Z0-9_]+',
  str: '[^/]+',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
}

/** The characters of those in {@link builtIn} that repeat one. */
const loops: Readonly<Record<string, RegExp>> = {
  int: /[0-9]/,
  path: /[^\n]/,
  slug: /[-a-zA-Z0-9_]/,
  str: /[^/]/,
}

function itemsOfLiteral(text: string): PathItem[] {
  return Array.from(text, character => {
    const expected = character.codePointAt(0)
    return { has: code => code === expected, isLoop: false, isNumber: false }
  })
}

/** The items that one of Django's own converters matches. */
function itemsOf(converter: string): PathItem[] {
  const loop = loops[converter]
  const isIn = (set: RegExp) => (code: number) => set.test(String.fromCodePoint(code))
  if (loop) return [{ has: isIn(loop), isLoop: true, isNumber: converter === 'int' }]
  const digit: PathItem = { has: isIn(/[0-9a-f]/), isLoop: false, isNumber: false }
  return [8, 4, 4, 4, 12].flatMap((count, i) => [
    ...(i > 0 ? itemsOfLiteral('-') : []),
    ...Array<PathItem>(count).fill(digit),
  ])
}

const escapeLiteral = (text: string) => text.replace(/[^\p{L}\p{N}_/]/gu, '\\$&')

function compile(source: string): RegExp {
  const pattern = new RegExp(source, 'u')
  // Some limits of the engine show only when the expression is used.
  pattern.exec('')
  return pattern
}

/** `path()` (`isEndpoint`) or `path()` with `include`: as `_route_to_regex` in `django.urls.resolvers`. */
export function pathPattern(
  route: string,
  isEndpoint: boolean,
  converters: Readonly<Record<string, string>>,
): Pattern {
  const parameters = [...route.matchAll(/<(?:([^>:]+):)?([^>]+)>/gu)]
  if (parameters.length === 0) return literalPattern(route, isEndpoint)
  let python = '^'
  let at = 0
  const numbers: string[] = []
  const items: PathItem[] = []
  for (const { 0: whole, 1: converter = 'str', 2: name = '', index } of parameters) {
    if (/\s/.test(whole)) throw new PythonSyntaxError(`there is white space in "${whole}"`)
    if (!isIdentifier(name)) throw new PythonSyntaxError(`"${name}" is no name for a parameter`)
    if (converter === 'int' && !Object.hasOwn(converters, converter)) numbers.push(name)
    const literal = route.slice(at, index)
    python += `${escapeLiteral(literal)}(?P<${name}>${sourceOf(converter, converters)})`
    // The text before the first converter is compared by itself.
    items.push(...itemsOfLiteral(at === 0 ? '' : literal), ...itemsOf(converter))
    at = index + whole.length
  }
  const rest = route.slice(at)
  python += escapeLiteral(rest) + (isEndpoint ? '\\Z' : '')
  // Translated even where the expression is not needed: what can't be translated has to be refused.
  const { source, names } = translate(python, 'search')
  const start = route.slice(0, parameters[0]?.index)
  const isBuiltIn = parameters.every(({ 1: converter = 'str' }) => !Object.hasOwn(converters, converter))
  if (isBuiltIn) return inOnePass(start, [...items, ...itemsOfLiteral(rest)], isEndpoint ? rest : undefined)
  return search(
    compile(source),
    start,
    numbers.map(name => names.get(name) as number),
  )
}

/** The expression of a converter: the project's own, else Django's. */
function sourceOf(converter: string, converters: Readonly<Record<string, string>>): string {
  const known = [converters, builtIn].find(each => Object.hasOwn(each, converter))
  if (known) return known[converter] as string
  throw new PythonSyntaxError(
    `"${converter}" is no converter of Django's and none of the option "converters"`,
  )
}

function literalPattern(route: string, isEndpoint: boolean): Pattern {
  const { length } = route
  const match: Match = isEndpoint
    ? path => (path === route ? length : -1)
    : path => (path.startsWith(route) ? length : -1)
  return { match, start: route }
}

/** @param rest the text that a path must end with; undefined if the pattern is only the path's beginning */
function inOnePass(start: string, items: readonly PathItem[], rest: string | undefined): Pattern {
  const match = compilePathItems(items, rest !== undefined)
  return {
    start,
    match: remembered(path =>
      path.startsWith(start) && (rest === undefined || path.endsWith(rest)) ? match(path, start.length) : -1,
    ),
  }
}

/** Keeps the last answer: a path is asked about once for each language. */
function remembered(match: Match): Match {
  let path: string | undefined
  let end = -1
  return asked => {
    if (asked !== path) end = match(asked)
    // Kept though its text is the same: comparing the next one with this very string takes no time.
    path = asked
    return end
  }
}

function search(pattern: RegExp, start: string, numbers: readonly number[]): Pattern {
  return {
    start,
    expression: pattern,
    match: remembered(path => {
      if (!path.startsWith(start)) return -1
      const found = pattern.exec(path)
      if (!found || numbers.some(group => (found[group] as string).length > MAX_DIGITS)) return -1
      return found[0].length
    }),
  }
}

/** `re_path()` (`isEndpoint`) or `re_path()` with `include`: as `RegexPattern.match`. */
export function regexPattern(python: string, isEndpoint: boolean): Pattern {
  // A `\$` at the end counts too.
  const isWhole = isEndpoint && python.endsWith('$')
  const { source } = translate(python, isWhole ? 'fullmatch' : 'search')
  return search(compile(source), '', [])
}
