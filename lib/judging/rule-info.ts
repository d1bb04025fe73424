import type { Rule } from '../judgement.ts'
import type { Address } from '../match/addresses/address.ts'
import type { Finding } from '../reasons.ts'
import type { Trust } from '../request/trust.ts'
import { lastingKey, SHAPE, shared } from '../runtime/copies.ts'

/** Judges the address at the other end of a new connection, before any request. */
export type DoorJudge = (
  peer: Address,
  writtenAddress: string,
  serverTrust: Trust | undefined,
) => Finding | undefined

/** What `protect` has to know of a rule beyond calling it. */
export interface RuleInfo {
  readonly dryRun: boolean
  readonly reset: boolean
  /** Where the rule can judge by the connection alone. */
  readonly door?: DoorJudge | undefined
  /** Judged before the others, wherever it stands among them. */
  readonly isFirst?: boolean | undefined
}

const infos = /* @__PURE__ */ shared('rules', () => new WeakMap<Rule, RuleInfo>())
const chains = /* @__PURE__ */ shared('chains', () => new WeakMap<Rule, readonly Rule[]>())

const kShape: unique symbol = /* @__PURE__ */ lastingKey('shape') as never

type Marked = Rule & { [kShape]?: number }

function mark(rule: Rule): void {
  Object.defineProperty(rule, kShape, { value: SHAPE })
}

/** Whether a copy of this package has made a rule that keeps other things on requests than this one. */
export function isOfOtherShape(rule: Rule): boolean {
  const { [kShape]: shape = SHAPE } = rule as Marked
  return shape !== SHAPE
}

export function describeRule(rule: Rule, info: RuleInfo): void {
  infos.set(rule, info)
  mark(rule)
}

/** Undefined for a middleware that is none of ours. */
export function infoOf(rule: Rule): RuleInfo | undefined {
  return infos.get(rule)
}

/** Says of which rules a middleware is made. */
export function describeChain(chain: Rule, rules: readonly Rule[]): void {
  chains.set(chain, rules)
  mark(chain)
}

/** The rules in the order in which they are judged: those that are to be first, then the others as they stand. */
export function firstRulesFirst(rules: readonly Rule[]): readonly Rule[] {
  const isFirst = (rule: Rule) => infoOf(rule)?.isFirst === true
  return [...rules.filter(isFirst), ...rules.filter(rule => !isFirst(rule))]
}

/** The rules that a middleware is made of, or itself. */
export function rulesOf(rule: Rule): readonly Rule[] {
  return chains.get(rule) ?? [rule]
}
