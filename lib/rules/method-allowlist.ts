import { METHODS } from 'node:http'
import { type CommonOptions, commonChecks, commonOf } from '../common-options.ts'
import { OptionsError, show } from '../errors.ts'
import { closest, list, readOptions, refuseRequest } from '../options.ts'
import { Reason } from '../reasons.ts'
import { makeRule, type Rule } from '../rule.ts'

/**
 * Drops every method that is not listed. HEAD goes with GET (RFC 9110 9.3.2); OPTIONS, which browsers send before some
 * cross-origin requests, has to be listed. nginx: `if ($request_method !~ ^(GET|HEAD|POST)$) { return 444; }`.
 *
 * @param methods upper case, as methods are case-sensitive; at least one
 *
 * @example
 * app.use(methodAllowlist(['GET', 'POST']))
 *
 * @throws OptionsError
 */
export function methodAllowlist(methods: Iterable<string>, options?: CommonOptions): Rule {
  refuseRequest('methodAllowlist', methods)
  const allowed = new Set(readMethods(methods))
  if (allowed.has('GET')) allowed.add('HEAD')
  const common = commonOf(readOptions('methodAllowlist', options, commonChecks), { name: 'methodAllowlist' })
  return makeRule(common, ({ method = '' }) =>
    allowed.has(method) ? undefined : { reason: Reason.UNLISTED_METHOD, detail: method },
  )
}

function readMethods(methods: unknown): string[] {
  const fail = (expected: string): never => {
    const code = methods === undefined ? 'DROP444_MISSING_OPTION' : 'DROP444_INVALID_OPTION'
    throw new OptionsError(
      code,
      `methodAllowlist: the methods must be ${expected}, not ${show(methods)}`,
      'methods',
      methods,
    )
  }
  const given = list(methods, fail)
  if (given.length === 0) fail('an array with at least one method')
  for (const method of given) {
    if (METHODS.includes(method as string)) continue
    const near = typeof method === 'string' ? closest(method, METHODS) : undefined
    const message = `methodAllowlist: ${show(method)} is no method that Node knows`
    throw new OptionsError('DROP444_INVALID_ENTRY', message, 'methods', method, near)
  }
  return given as string[]
}
