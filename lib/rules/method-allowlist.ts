import { METHODS } from 'node:http'
import type { Rule } from '../judgement.ts'
import { type CommonOptions, commonChecks, commonOf } from '../options/common-options.ts'
import { closest } from '../options/did-you-mean.ts'
import { refuseEntry } from '../options/options-error.ts'
import { listArgument, readOptions, refuseRequest } from '../options/read-options.ts'
import { Reason } from '../reasons.ts'
import { makeRule } from '../rule.ts'

/**
 * Drops every method that is not listed. GET includes HEAD (RFC 9110 9.3.2). OPTIONS, which browsers send before some
 * cross-origin requests, must be listed. nginx: `if ($request_method !~ ^(GET|HEAD|POST)$) { return 444; }`.
 *
 * @param methods at least one, in upper case, because methods are case-sensitive
 *
 * @example
 * app.use(methodAllowlist(['GET', 'POST']))
 *
 * @throws OptionsError
 */
export function methodAllowlist(methods: Iterable<string> & object, options?: CommonOptions): Rule {
  refuseRequest('methodAllowlist', methods)
  const allowed = new Set(readMethods(methods))
  if (allowed.has('GET')) allowed.add('HEAD')
  const common = commonOf(readOptions('methodAllowlist', options, commonChecks()), {
    name: 'methodAllowlist',
  })
  return makeRule(common, ({ method = '' }) =>
    allowed.has(method) ? undefined : { reason: Reason.UNLISTED_METHOD, detail: method },
  )
}

function readMethods(methods: unknown): string[] {
  const given = listArgument('methodAllowlist', 'methods', methods)
  for (const method of given) {
    if (METHODS.includes(method as string)) continue
    const near = typeof method === 'string' ? closest(method, METHODS) : undefined
    refuseEntry('methodAllowlist', 'methods', method, 'Node knows no such method', near)
  }
  return given as string[]
}
