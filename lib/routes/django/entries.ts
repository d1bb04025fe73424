import { show } from '../../diagnostics/show.ts'
import { refuseEntry } from '../../options/options-error.ts'
import { isPlainObject } from '../../options/read-options.ts'
import type { UserPattern } from '../../options/slow-patterns.ts'
import { type Pattern, pathPattern, regexPattern } from './pattern.ts'
import type { Node } from './resolve.ts'

/** A pattern in the syntax of `path()` or of `re_path()`. */
export type DjangoPattern =
  | string
  | {
      /** In the syntax of `path()`, as a bare string is: `users/<int:id>/`. */
      path: string
    }
  | {
      /** In the syntax of `re_path()`: a regular expression of Python. */
      re: string
    }

/** An entry of a URLconf. */
export type DjangoRoute =
  | string
  | {
      /** In the syntax of `path()`, as a bare string is: `users/<int:id>/`. */
      path: string
      /** False for a view that Django's `no_append_slash()` decorates. Default true. */
      appendSlash?: boolean
    }
  | {
      /** In the syntax of `re_path()`: a regular expression of Python. */
      re: string
      /** False for a view that Django's `no_append_slash()` decorates. Default true. */
      appendSlash?: boolean
    }
  | {
      /** The prefix of an `include()`. */
      include: DjangoPattern
      /** The entries that are included. */
      routes: readonly DjangoRoute[]
    }
  | {
      /** The entries of `i18n_patterns()`. */
      i18n: readonly DjangoRoute[]
      /** Its argument `prefix_default_language`. Default: the option of that name. */
      prefixDefaultLanguage?: boolean
    }

/** What the entries of a list share. */
export interface Context {
  readonly converters: Readonly<Record<string, string>>
  readonly prefixDefaultLanguage: boolean
  /** The prefixes around the entries, as an error shows them. */
  readonly within: string
  /** Whether the text before the entries ends in a slash. */
  readonly afterSlash: boolean
  /** Collects the expressions of `re_path()` and of the project's own converters. */
  readonly expressions: UserPattern[]
}

const FACTORY = 'djangoRoutes'

const refuseRoute = (route: unknown, within: string, problem: string, didYouMean?: string) =>
  refuseEntry(FACTORY, 'routes', route, within === '' ? problem : `${problem} (in ${within})`, didYouMean)

type Fields = Record<string, unknown>

const kinds: Record<string, readonly string[]> = {
  path: ['path', 'appendSlash'],
  re: ['re', 'appendSlash'],
  include: ['include', 'routes'],
  i18n: ['i18n', 'prefixDefaultLanguage'],
}

const expected =
  'it is no string, { path }, { re: "a pattern" }, { include, routes: [...] } or { i18n: [...] }'

function kindOf(route: Fields, { within }: Context): string {
  const names = Object.keys(route)
  const kind = Object.keys(kinds).find(each => names.includes(each))
  if (kind === undefined) return refuseRoute(route, within, expected)
  const unknown = names.find(name => !kinds[kind]?.includes(name))
  if (unknown !== undefined)
    refuseRoute(route[kind], within, `beside "${kind}" there is an unknown "${unknown}"`)
  return kind
}

function flag(route: Fields, name: string, preset: boolean, { within }: Context): boolean {
  const value = route[name] ?? preset
  return typeof value === 'boolean' ? value : refuseRoute(route, within, `its "${name}" is not true or false`)
}

/** The source text of a pattern, whether it is in `path()` syntax, and the compiled pattern. */
function readPattern(
  pattern: unknown,
  isEndpoint: boolean,
  { converters, within, afterSlash, expressions }: Context,
): { text: string; isPath: boolean; pattern: Pattern } {
  const fields: Fields = typeof pattern === 'string' ? { path: pattern } : (pattern as Fields)
  const isPath = !Object.hasOwn(fields, 're')
  const text = isPath ? fields.path : fields.re
  if (typeof text !== 'string') return refuseRoute(text, within, 'it is no string')
  if (isPath && afterSlash && text.startsWith('/')) {
    refuseRoute(text, within, 'Django would match it after a second slash only', text.replace(/^\/+/, ''))
  }
  try {
    const pattern = isPath ? pathPattern(text, isEndpoint, converters) : regexPattern(text, isEndpoint)
    const { expression } = pattern
    if (expression) expressions.push({ expression, shown: show(text) })
    return { text, isPath, pattern }
  } catch (error) {
    return refuseRoute(text, within, (error as Error).message)
  }
}

function readInclude(route: Fields, context: Context): Node {
  const { include, routes } = route
  if (typeof include !== 'string' && !isPlainObject(include))
    return refuseRoute(route, context.within, expected)
  const { text, isPath, pattern } = readPattern(include, false, context)
  return {
    ...pattern,
    routes: readRoutes(routes, {
      ...context,
      within: `${context.within}${text}`,
      afterSlash: isPath && (text === '' ? context.afterSlash : text.endsWith('/')),
    }),
  }
}

function readRoute(route: unknown, context: Context): Node {
  const fields = typeof route === 'string' ? { path: route } : (route as Fields)
  if (!isPlainObject(fields)) return refuseRoute(route, context.within, expected)
  const kind = kindOf(fields, context)
  if (kind === 'include') return readInclude(fields, context)
  if (kind === 'i18n') {
    return {
      prefixDefaultLanguage: flag(fields, 'prefixDefaultLanguage', context.prefixDefaultLanguage, context),
      routes: readRoutes(fields.i18n, context),
    }
  }
  return {
    ...readPattern(fields, true, context).pattern,
    appendSlash: flag(fields, 'appendSlash', true, context),
  }
}

/** The entries of a list, compiled. */
export function readRoutes(routes: unknown, context: Context): Node[] {
  if (!Array.isArray(routes)) return refuseRoute(routes, context.within, 'the routes are no array')
  return routes.map(route => readRoute(route, context))
}
