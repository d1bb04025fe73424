import type { Match } from './pattern.ts'

/** A view of the app. */
export interface View {
  readonly match: Match
  /** The text that all its paths begin with, as far as that is known. */
  readonly start: string
  /** Whether CommonMiddleware may redirect to it (`no_append_slash`). */
  readonly appendSlash: boolean
}

/** A resolver: its prefix, and the routes that are tried on the rest of the path. */
export interface Include {
  readonly match: Match
  readonly start: string
  readonly routes: readonly Node[]
}

/** `i18n_patterns`: its prefix depends on the language. */
export interface LocalePrefix {
  readonly prefixDefaultLanguage: boolean
  readonly routes: readonly Node[]
}

export type Node = View | Include | LocalePrefix

export const isLocalePrefix = (node: Node): node is LocalePrefix => 'prefixDefaultLanguage' in node

/** The languages that the prefix of `i18n_patterns` depends on. */
export interface Active {
  readonly language: string
  readonly defaultLanguage: string
}

const prefixOf = ({ prefixDefaultLanguage }: LocalePrefix, { language, defaultLanguage }: Active) =>
  language === defaultLanguage && !prefixDefaultLanguage ? '' : `${language}/`

function endOf(node: Node, path: string, active: Active): number {
  // The cheap test first: of a thousand routes few begin as the path does.
  if (!isLocalePrefix(node)) return path.startsWith(node.start) ? node.match(path) : -1
  const prefix = prefixOf(node, active)
  return path.startsWith(prefix) ? prefix.length : -1
}

/** The first view, in order, that a path (without its first slash) leads to: `URLResolver.resolve`. */
export function resolve(nodes: readonly Node[], path: string, active: Active): View | undefined {
  for (const node of nodes) {
    const end = endOf(node, path, active)
    if (end < 0) continue
    if (!('routes' in node)) return node
    // A prefix matches in one way only: if no route in it takes the rest, no shorter match is tried.
    const found = resolve(node.routes, path.slice(end), active)
    if (found) return found
  }
  return undefined
}
