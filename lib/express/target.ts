import { parse } from 'node:url'
import { SLASH } from '../match/paths/request-path.ts'

/** The characters of a target for which Express uses `url.parse` (parseurl's list). */
const unusual = /[\t\n\f\r #\xa0\ufeff]/

/** The path that Express reads in a target; undefined if it reads none, and so asks no route. */
export function pathnameOf(url: string): string | undefined {
  if (url.charCodeAt(0) === SLASH && !unusual.test(url)) {
    const query = url.indexOf('?')
    return query < 0 ? url : url.slice(0, query)
  }
  try {
    return parse(url).pathname ?? undefined
  } catch {
    return undefined
  }
}

/** Scheme and authority of an absolute-form target, as Express's routers cut them (their `getProtohost`). */
export function originOf(url: string): string {
  if (url === '' || url.charCodeAt(0) === SLASH) return ''
  const query = url.indexOf('?')
  const scheme = (query < 0 ? url : url.slice(0, query)).indexOf('://')
  return scheme < 0 ? '' : url.substring(0, url.indexOf('/', 3 + scheme))
}
