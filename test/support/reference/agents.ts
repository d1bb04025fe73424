import type { AgentPattern } from '../../../lib/index.ts'

const isWord = (character: string) => /^[A-Za-z0-9_]$/.test(character)

/** Whether `word` stands in `agent` with no word character glued to an end of it that is one itself. */
export function holdsWord(agent: string, word: string): boolean {
  const [text, sought] = [agent.toLowerCase(), word.toLowerCase()]
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + 1)) {
    const before = text.charAt(at - 1)
    const after = text.charAt(at + sought.length)
    const gluedBefore = isWord(sought.charAt(0)) && isWord(before)
    const gluedAfter = isWord(sought.charAt(sought.length - 1)) && isWord(after)
    if (!gluedBefore && !gluedAfter) return true
  }
  return false
}

/** Every pattern that the agent matches, looked at one by one. */
export function matchingAgents(patterns: readonly AgentPattern[], agent: string): AgentPattern[] {
  return patterns.filter(pattern => {
    if (typeof pattern === 'string') return holdsWord(agent, pattern)
    if (pattern instanceof RegExp) {
      const at = agent.search(pattern)
      return pattern.sticky ? at === 0 : at >= 0
    }
    return new RegExp(pattern.pattern).test(agent)
  })
}

/** A pattern as a drop's `detail` shows it. */
export function shownAgent(pattern: AgentPattern): string {
  return typeof pattern === 'string' || pattern instanceof RegExp ? String(pattern) : pattern.pattern
}
