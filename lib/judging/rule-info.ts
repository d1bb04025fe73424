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

/** The facts about a rule that `protect` needs besides the function itself. */
export interface RuleInfo {
  readonly dryRun: boolean
  readonly reset: boolean
  /** Set if the rule can judge by the connection alone. */
  readonly door?: DoorJudge | undefined
  /** The rule judges before the others, wherever it stands in the list. */
  readonly isFirst?: boolean | undefined
}

const infos = /* @__PURE__ */ shared('rules', () => new WeakMap<Rule, RuleInfo>())
const chains = /* @__PURE__ */ shared('chains', () => new WeakMap<Rule, readonly Rule[]>())

const kShape: unique symbol = /* @__PURE__ */ lastingKey('shape') as never

type Marked = Rule & { [kShape]?: number }

function mark(rule: Rule): void {
  Object.defineProperty(rule, kShape, { value: SHAPE })
}

/** Whether a rule comes from another copy of this package that stores a different shape of state on requests. */
export function isOfOtherShape(rule: Rule): boolean {
  const { [kShape]: shape = SHAPE } = rule as Marked
  return shape !== SHAPE
}

export function describeRule(rule: Rule, info: RuleInfo): void {
  infos.set(rule, info)
  mark(rule)
}

/** Undefined for a middleware that this package did not make. */
export function infoOf(rule: Rule): RuleInfo | undefined {
  return infos.get(rule)
}

/** Records the rules that a middleware consists of. */
export function describeChain(chain: Rule, rules: readonly Rule[]): void {
  chains.set(chain, rules)
  mark(chain)
}

/** The rules in the order of judging: those with `isFirst`, then the others as listed. */
export function firstRulesFirst(rules: readonly Rule[]): readonly Rule[] {
  const isFirst = (rule: Rule) => infoOf(rule)?.isFirst === true
  return [...rules.filter(isFirst), ...rules.filter(rule => !isFirst(rule))]
}

/** The rules that a middleware consists of; a single rule gives itself. */
export function rulesOf(rule: Rule): readonly Rule[] {
  return chains.get(rule) ?? [rule]
}
