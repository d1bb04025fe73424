import { domainToASCII } from 'node:url'
import { isRegExp } from 'node:util/types'
import { parseAddress } from '../addresses/address.ts'
import { stateless } from '../expressions/stateless.ts'
import { parseHost } from './host.ts'

/** A compiled list of server names. Returns whether a host, in normal form, is one of them. */
export type ServerNames = (host: string) => boolean

/** The reason why a pattern is no name of nginx's `server_name`; undefined if it is one. */
function checkName(pattern: string): string | undefined {
  const bare = pattern.replace(/^(\*?\.)|(\.\*)$/g, '')
  if (bare.includes('*')) return 'a "*" may only be the whole first or last label'
  if (/^\*?\..*\.\*$/.test(pattern)) return 'only one end may be a wildcard'
  if (pattern === '_' || pattern === '*') return 'leave serverNames out to serve any name'
  if (parseAddress(pattern)?.family === 6) return `write [${pattern}]`
  if (/:\d*$/.test(pattern) && !pattern.endsWith(']')) return 'a server name has no port'
  const name = asciiName(bare)
  const asked = pattern.endsWith('.*') ? `${name}.a` : pattern.startsWith('*') ? `a.${name}` : name
  return parseHost(asked)?.name === asked ? undefined : 'it is no host name'
}

/** A name as a client sends it. `domainToASCII` also decodes, trims and completes, so only a name beyond ASCII goes through it. */
const asciiName = (bare: string) =>
  /[\x00-,/:-@[-^`{-\x7f]/.test(bare) || !/[^\x00-\x7f]/.test(bare) ? bare.toLowerCase() : domainToASCII(bare)

/** Whether `host` without its first labels is in `suffixes`. Tries the longest rest first: of `a.b.c` `b.c`, then `c`. */
function endsWithin(host: string, suffixes: ReadonlySet<string>): boolean {
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (suffixes.has(host.slice(dot + 1))) return true
  }
  return false
}

function startsWithin(host: string, prefixes: ReadonlySet<string>): boolean {
  for (let dot = host.lastIndexOf('.'); dot > 0; dot = host.lastIndexOf('.', dot - 1)) {
    if (prefixes.has(host.slice(0, dot))) return true
  }
  return false
}

/**
 * Compiles nginx's `server_name` forms: `a.example`, `*.example`, `.example` (the name itself too), `mail.*` and RegExp.
 * The order of nginx (exact, longest leading wildcard, longest trailing wildcard, first RegExp) decides which server answers.
 * Whether any name matches does not depend on the order, so here the cheapest check comes first.
 *
 * @returns the matcher; or the first bad pattern, with the reason
 */
export function compileServerNames(
  patterns: readonly (string | RegExp)[],
): ServerNames | { pattern: string; problem: string } {
  const exact = new Set<string>()
  const suffixes = new Set<string>()
  const prefixes = new Set<string>()
  const expressions: RegExp[] = []
  for (const pattern of patterns) {
    if (isRegExp(pattern)) {
      expressions.push(stateless(pattern))
      continue
    }
    const problem = checkName(pattern)
    if (problem) return { pattern, problem }
    const name = asciiName(pattern.replace(/^(\*?\.)|(\.\*)$/g, ''))
    if (pattern.startsWith('*.')) suffixes.add(name)
    else if (pattern.endsWith('.*')) prefixes.add(name)
    else exact.add(name)
    if (pattern.startsWith('.')) suffixes.add(name)
  }
  return host =>
    exact.has(host) ||
    (suffixes.size > 0 && endsWithin(host, suffixes)) ||
    (prefixes.size > 0 && startsWithin(host, prefixes)) ||
    expressions.some(expression => expression.test(host))
}
