import { isRegExp } from 'node:util/types'
import type { Rule } from '../judgement.ts'
import { scannerAgents } from '../lists/scanner-agents.ts'
import { type AgentMatcher, type AgentPattern, compileAgents } from '../match/agents/agents.ts'
import { type CommonOptions, commonChecks, commonOf } from '../options/common-options.ts'
import { refuseEntry } from '../options/options-error.ts'
import { boolean, type Check, list, readOptions, refuseRequest } from '../options/read-options.ts'
import { warnOfSlow } from '../options/slow-patterns.ts'
import type { Finding } from '../reasons.ts'
import { Reason } from '../reasons.ts'
import { memoPerConnection } from '../request/memo-per-connection.ts'
import { makeRule } from '../rule.ts'

/** Options of {@link badAgent}. */
export interface BadAgentOptions extends CommonOptions {
  /** Agents to drop; default: {@link scannerAgents}. A string matches whole words in any case, a RegExp as written. */
  patterns?: (Iterable<AgentPattern> & object) | undefined
  /** Agents that pass even if a pattern matches them. */
  allow?: (Iterable<AgentPattern> & object) | undefined
  /** Whether a missing, empty or blank agent is dropped. Default true. */
  empty?: boolean | undefined
}

function agents(option: string): Check<AgentMatcher> {
  return (value, fail) => {
    const patterns = list(value, fail)
    for (const pattern of patterns) {
      const problem = problemOf(pattern)
      if (problem !== undefined) refuseEntry('badAgent', option, pattern, problem)
    }
    warnOfSlow(`badAgent, "${option}"`, (patterns as AgentPattern[]).flatMap(expressionOf))
    return compileAgents(patterns as AgentPattern[])
  }
}

/** The regular expression of a pattern that is no plain text, for the warning of slow ones. */
function expressionOf(pattern: AgentPattern) {
  if (typeof pattern === 'string') return []
  return isRegExp(pattern)
    ? [{ expression: pattern }]
    : [{ expression: new RegExp(pattern.pattern), shown: pattern.pattern }]
}

function problemOf(pattern: unknown): string | undefined {
  if (!isPattern(pattern)) return 'it is no string with a word in it, RegExp or { pattern }'
  if (typeof pattern === 'string' || isRegExp(pattern)) return undefined
  try {
    new RegExp(pattern.pattern)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Whether a value is a pattern. A string or `{ pattern }` without a word character is none: it would match nearly every agent. */
function isPattern(pattern: unknown): pattern is AgentPattern {
  if (typeof pattern === 'string') return /\w/.test(pattern)
  if (typeof pattern !== 'object' || pattern === null) return false
  if (isRegExp(pattern)) return true
  const { pattern: source } = pattern as { pattern?: unknown }
  return typeof source === 'string' && /\w/.test(source)
}

const checks = () =>
  ({
    ...commonChecks(),
    patterns: agents('patterns'),
    allow: agents('allow'),
    empty: boolean,
  }) satisfies Record<keyof BadAgentOptions, Check<unknown>>

/** Whether an agent is empty or blank. Nearly every agent starts with a visible ASCII character, so it is not trimmed. */
function isBlank(agent: string): boolean {
  const first = agent.charCodeAt(0)
  return !(first > 0x20 && first < 0x7f) && agent.trim() === ''
}

const compileDefaults = () => compileAgents(scannerAgents)

/**
 * Drops scanners and attack tools by their User-Agent, and requests without one. nginx:
 * `map $http_user_agent $bad { … }`, `if ($bad) { return 444; }`.
 *
 * It stops only tools that send their own name: a User-Agent is easy to fake.
 *
 * @example
 * app.use(badAgent({ patterns: [...scannerAgents, 'AhrefsBot'], allow: ['UptimeRobot'] }))
 *
 * @throws OptionsError
 */
export function badAgent(options?: BadAgentOptions): Rule {
  refuseRequest('badAgent', options)
  const checked = readOptions('badAgent', options, checks())
  const isBad = checked.patterns ?? compileDefaults()
  const isAllowed = checked.allow
  const dropsEmpty = checked.empty ?? true

  const judge = memoPerConnection((agent: string): Finding | undefined => {
    if (isBlank(agent)) return dropsEmpty ? { reason: Reason.EMPTY_AGENT } : undefined
    const detail = isBad(agent)
    return detail === undefined || isAllowed?.(agent) !== undefined
      ? undefined
      : { reason: Reason.BAD_AGENT, detail }
  })
  return makeRule(commonOf(checked, { name: 'badAgent' }), req => judge(req, req.headers['user-agent'] ?? ''))
}
