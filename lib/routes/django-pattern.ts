import { translate } from './django-regex.ts'
import { isIdentifier } from './django-regex-groups.ts'
import { PythonSyntaxError } from './django-regex-scanner.ts'

/** Where in a path a pattern's match ends, or -1. */
export type Match = (path: string) => number

/** A compiled pattern. */
export interface Pattern {
  readonly match: Match
  /** What all paths that it matches begin with, as far as that is known. */
  readonly start: string
}

/** Django's own converters (`django.urls.converters`). */
const builtIn: Readonly<Record<string, string>> = {
  int: '[0-9]+',
  path: '.+',
  slug: '[-a-zA-Z0-9_]+',
  str: '[^/]+',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
}

/** A Python that is up to date refuses to read a longer number (`sys.get_int_max_str_digits`). */
const MAX_DIGITS = 4300

const escapeLiteral = (text: string) => text.replace(/[^\p{L}\p{N}_/]/gu, '\\$&')

function compile(source: string): RegExp {
  const pattern = new RegExp(source, 'u')
  // Some limits of JavaScript's show only when it is used.
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
  for (const { 0: whole, 1: converter = 'str', 2: name = '', index } of parameters) {
    if (/\s/.test(whole)) throw new PythonSyntaxError(`there is white space in "${whole}"`)
    if (!isIdentifier(name)) throw new PythonSyntaxError(`"${name}" is no name for a parameter`)
    const own = Object.hasOwn(converters, converter)
    const source = own
      ? converters[converter]
      : Object.hasOwn(builtIn, converter)
        ? builtIn[converter]
        : undefined
    if (source === undefined) {
      throw new PythonSyntaxError(
        `"${converter}" is no converter of Django's and none of the option "converters"`,
      )
    }
    if (converter === 'int' && !own) numbers.push(name)
    python += `${escapeLiteral(route.slice(at, index))}(?P<${name}>${source})`
    at = index + whole.length
  }
  python += escapeLiteral(route.slice(at)) + (isEndpoint ? '\\Z' : '')
  const { source, names } = translate(python, 'search')
  const start = route.slice(0, parameters[0]?.index)
  return search(
    compile(source),
    start,
    numbers.map(name => names.get(name) as number),
  )
}

function literalPattern(route: string, isEndpoint: boolean): Pattern {
  const { length } = route
  const match: Match = isEndpoint
    ? path => (path === route ? length : -1)
    : path => (path.startsWith(route) ? length : -1)
  return { match, start: route }
}

function search(pattern: RegExp, start: string, numbers: readonly number[]): Pattern {
  return {
    start,
    match: path => {
      if (!path.startsWith(start)) return -1
      const found = pattern.exec(path)
      if (!found || numbers.some(group => (found[group] as string).length > MAX_DIGITS)) return -1
      return found[0].length
    },
  }
}

/** `re_path()` (`isEndpoint`) or `re_path()` with `include`: as `RegexPattern.match`. */
export function regexPattern(python: string, isEndpoint: boolean): Pattern {
  // A `\$` at the end counts too.
  const isWhole = isEndpoint && python.endsWith('$')
  const { source } = translate(python, isWhole ? 'fullmatch' : 'search')
  return search(compile(source), '', [])
}
