import { isRegExp } from 'node:util/types'
import { show } from '../diagnostics/show.ts'
import { warnOnce } from '../diagnostics/warnings.ts'
import { asksForCapitals, noHostMatches } from '../match/hosts/host-expression.ts'
import { compileServerNames, type ServerNames } from '../match/hosts/server-names.ts'
import { refuseEntry } from './options-error.ts'
import { type Check, list } from './read-options.ts'
import { warnOfSlow } from './slow-patterns.ts'

/** The option `serverNames` of `noHost` and `protect`. */
export const serverNames: Check<ServerNames> = (value, fail, factory = 'noHost') => {
  const refuseName = (name: unknown, problem: string) => refuseEntry(factory, 'serverNames', name, problem)
  const names = list(value, fail)
  if (names.length === 0) fail('a list with at least one name (without it, any name is served)')
  for (const name of names) {
    const problem = isRegExp(name)
      ? noHostMatches(name)
      : typeof name === 'string'
        ? undefined
        : 'it is no string or RegExp'
    if (problem !== undefined) refuseName(name, problem)
    if (isRegExp(name) && asksForCapitals(name)) {
      warnOnce(
        'DROP444_CAPITALS',
        `${factory}, "serverNames": hosts are compared in lower case, so the capitals in ${show(name)} match none. Give it the flag i, as nginx does by itself`,
      )
    }
  }
  // Only exponential patterns matter: no host is long enough for polynomial time to hurt.
  warnOfSlow(
    `${factory}, "serverNames"`,
    names.filter(isRegExp).map(expression => ({ expression })),
    'exponential',
  )
  const compiled = compileServerNames(names as (string | RegExp)[])
  return typeof compiled === 'function' ? compiled : refuseName(compiled.pattern, compiled.problem)
}
