import { type Asked, visitHandlers } from '../express/handlers-on-the-way.ts'
import type { Rule } from '../judgement.ts'
import { shared } from '../runtime/copies.ts'

interface HostRule {
  readonly rule: Rule
  readonly dryRun: boolean
}

/** A rule that is mounted in an app. */
export interface MountedHostRule extends HostRule {
  /** Whether it meets every request. */
  readonly isAtRoot: boolean
}

/** By the middleware that is mounted: the rule itself, or a chain that holds it. */
const hostRules = /* @__PURE__ */ shared('host-rules', () => new WeakMap<object, HostRule>())

/** Registers a rule to be found in the apps that mount it, or that mount `mounted`, a chain that holds it. */
export function addHostRule(rule: Rule, dryRun: boolean, mounted: Rule = rule): void {
  hostRules.set(mounted, { rule, dryRun })
}

export const hostRuleOf = (mounted: Rule): HostRule | undefined => hostRules.get(mounted)

/**
 * The rules in an Express or Connect app that a request would meet, if every handler before them went on to the next; without
 * `asked` those at the root alone.
 */
export function rulesOnTheWay(app: unknown, asked?: Asked): MountedHostRule[] {
  const found: MountedHostRule[] = []
  visitHandlers(app, asked, (handler, isAtRoot) => {
    const known = hostRules.get(handler)
    if (!known) return 'enter'
    found.push({ ...known, isAtRoot })
    return 'pass'
  })
  return found
}
