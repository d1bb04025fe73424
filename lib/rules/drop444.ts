import type { Rule } from '../judgement.ts'
import { describeChain, infoOf } from '../judging/rule-info.ts'
import type { CidrSet } from '../match/addresses/cidr-set.ts'
import type { AddressOptions } from '../options/address-options.ts'
import { type CommonOptions, commonChecks } from '../options/common-options.ts'
import { refuse } from '../options/options-error.ts'
import { type Check, isPlainObject, reading, readOptions, refuseRequest } from '../options/read-options.ts'
import type { Next, Request, Response } from '../request/http-types.ts'
import type { Routes } from '../routes/routes.ts'
import { addHostRule } from '../server/host-rules.ts'
import { allowCidr } from './allow-cidr.ts'
import { type BadAgentOptions, badAgent } from './bad-agent.ts'
import { denyCidr } from './deny-cidr.ts'
import { methodAllowlist } from './method-allowlist.ts'
import { type NoHostOptions, noHost } from './no-host.ts'
import { type PathAllowlistOptions, pathAllowlist } from './path-allowlist.ts'
import type { RateLimitOptions } from './rate-limit/limit-options.ts'
import { rateLimit } from './rate-limit.ts'
import type { RepeatOffenderOptions } from './repeat-offender/offender-options.ts'
import { repeatOffender } from './repeat-offender.ts'
import { type ShedLoadOptions, shedLoad } from './shed-load.ts'

/** The common options that all rules can share: all except `name`. */
type Shared = Omit<CommonOptions, 'name'>
type List<T> = Iterable<T> & object
type Addresses = List<string> | CidrSet
type Paths = List<string | RegExp | Routes>

/** Options of {@link drop444}: one for each rule, and the common options for all rules. A rule's own options win. */
export interface Drop444Options extends Shared {
  /** `true`, the options of {@link repeatOffender}, or the rule that it returned. Pass the rule to call its `ban`, `lift` and `list`. */
  repeatOffender?: boolean | RepeatOffenderOptions | Rule | undefined
  /** `true`, or the options of {@link noHost}. As for every rule, `false` or undefined leaves it out. */
  noHost?: boolean | NoHostOptions | undefined
  /** The list, or `{ list, … }` with options of {@link denyCidr}. */
  denyCidr?: false | Addresses | (AddressOptions & { list: Addresses }) | undefined
  /** The list, or `{ list, … }` with options of {@link allowCidr}. */
  allowCidr?: false | Addresses | (AddressOptions & { list: Addresses }) | undefined
  /** The methods, or `{ methods, … }` with options of {@link methodAllowlist}. */
  methodAllowlist?: false | List<string> | (CommonOptions & { methods: List<string> }) | undefined
  /** `true`, or the options of {@link badAgent}. */
  badAgent?: boolean | BadAgentOptions | undefined
  /** The patterns, or `{ patterns, … }` with options of {@link pathAllowlist}. */
  pathAllowlist?: false | Paths | (PathAllowlistOptions & { patterns: Paths }) | undefined
  /** `true`, or the options of {@link shedLoad}. */
  shedLoad?: boolean | ShedLoadOptions | undefined
  /** The options of {@link rateLimit}. */
  rateLimit?: false | RateLimitOptions | undefined
}

type Make = (given: unknown, shared: Shared) => Rule

/** Makes a rule from a factory that takes only options; `true` stands for the defaults. */
function withOptions(factory: (options: never) => Rule): Make {
  return (given, shared) => factory((given === true ? shared : mix(shared, given)) as never)
}

/** Makes a rule from a factory whose first argument is a list: given alone, or as `field` of an options object. */
function withList(factory: (list: never, options: never) => Rule, field: string): Make {
  return (given, shared) => {
    if (!isPlainObject(given)) return factory(given as never, shared as never)
    const { [field]: list, ...own } = given as Record<string, unknown>
    return factory(list as never, mix(shared, own) as never)
  }
}

/** Merges a rule's own options over the shared ones. A value that is no options object is returned, for the factory to refuse. */
function mix(shared: Shared, own: unknown): unknown {
  if (!isPlainObject(own)) return own
  const given = Object.entries(own as object).filter(([, value]) => value !== undefined)
  return { ...shared, ...Object.fromEntries(given) }
}

/** The rules in the order of judging: bans, then the most certain and cheapest rules. Rules that count come last, so they count no dropped request. */
const ruleMakers = (): Readonly<Record<Exclude<keyof Drop444Options, keyof Shared>, Make>> => ({
  repeatOffender: (given, shared) =>
    infoOf(given as Rule)?.isFirst ? (given as Rule) : withOptions(repeatOffender)(given, shared),
  noHost: withOptions(noHost),
  denyCidr: withList(denyCidr, 'list'),
  allowCidr: withList(allowCidr, 'list'),
  methodAllowlist: withList(methodAllowlist, 'methods'),
  badAgent: withOptions(badAgent),
  pathAllowlist: withList(pathAllowlist, 'patterns'),
  shedLoad: withOptions(shedLoad),
  rateLimit: withOptions(rateLimit),
})

const anything: Check<unknown> = value => value

/**
 * Combines the rules of one app in one middleware, in the right order, with shared options.
 *
 * @example
 * app.use(drop444({ noHost: true, badAgent: true, denyCidr: ['198.51.100.0/24'], dryRun: true }))
 *
 * @throws OptionsError, also if no rule is named
 */
export function drop444(options: Drop444Options): Rule {
  refuseRequest('drop444', options)
  const { name: _, ...sharedChecks } = commonChecks()
  const makers = ruleMakers()
  const ruleChecks = Object.fromEntries(Object.keys(makers).map(rule => [rule, anything]))
  // The options are read once, because a getter may return another value the second time.
  const given: Record<string, unknown> = reading('drop444', 'options', options, () =>
    isPlainObject(options) ? { ...options } : readOptions('drop444', options, {}),
  )
  const checked = readOptions('drop444', given, {
    ...sharedChecks,
    ...ruleChecks,
  })
  // The checked options are shared, so that a list is compiled once for all rules.
  const shared = Object.fromEntries(
    Object.entries(checked).filter(([option, value]) => option in sharedChecks && value !== undefined),
  ) as Shared
  const rules: Rule[] = []
  for (const [rule, make] of Object.entries(makers)) {
    if (given[rule] !== undefined && given[rule] !== false)
      rules.push(reading('drop444', rule, given[rule], () => make(given[rule], shared)))
  }
  if (rules.length === 0) {
    refuse('drop444', 'options', undefined, `at least one rule of ${Object.keys(makers).join(', ')}`)
  }
  const chain = chainOf(rules)
  if (given.noHost) {
    // The option `dryRun` of noHost itself wins, also for requests that Node answers by itself.
    const noHostRule = rules[given.repeatOffender ? 1 : 0] as Rule
    const own = (given.noHost as NoHostOptions).dryRun
    addHostRule(noHostRule, own ?? shared.dryRun === true, chain)
  }
  return chain
}

/** Makes one middleware that runs the rules one after the other. */
function chainOf(rules: readonly Rule[]): Rule {
  describeChain(drop444, rules)
  return drop444

  function drop444(req: Request, res: Response, next: Next): void {
    function run(index: number): void {
      const rule = rules[index]
      if (!rule) return next()
      rule(req, res, error => (error === undefined ? run(index + 1) : next(error)))
    }
    run(0)
  }
}
