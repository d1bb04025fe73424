import type { Server } from 'node:net'
import { warn } from '../diagnostics/warnings.ts'
import type { GuardedServer } from './guarded-server.ts'

const warned = new WeakSet<Server>()

/**
 * Warns once a server if nobody said which rules judge its upgrades and CONNECTs: Node hands them to listeners of their own,
 * past rules that are mounted in the app. Returns the check, to be called whenever such a listener may have been added.
 */
export function makeUnjudgedCheck(guarded: GuardedServer): () => void {
  const { server, settings } = guarded
  return function check() {
    if (settings.areRulesGiven || warned.has(server)) return
    const event = (['upgrade', 'connect'] as const).find(each => guarded.appListens(each))
    if (!event) return
    warned.add(server)
    warn(
      'DROP444_UNJUDGED_UPGRADE',
      `protect: this server has a listener for "${event}", which no rule mounted in the app can judge. ` +
        'Give the rules to protect(server, { rules }), or rules: [] if none shall judge it',
    )
  }
}
