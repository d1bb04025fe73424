import { setTimeout as sleep } from 'node:timers/promises'
// In an app of yours: from 'drop444'
import { type DropEvent, onDrop } from '../../lib/index.ts'
import { type Answer, type Ask, send, type Target } from './client.ts'

/** What became of one request, as the server's event and the client's socket tell. */
export interface Outcome {
  readonly ask: Ask
  readonly answer: Answer
  /** The rule that dropped it, if any did. */
  readonly rule: string | undefined
  /** What should not have been so. */
  readonly problem: string | undefined
}

/** Connections left open take patience: so many are enough to know. */
const ENOUGH_LEFT_OPEN = 5

/** Sends the requests one after the other, so that each drop event is known to be that of the request under way. */
export async function play(asks: readonly Ask[], target: Target, pause: number): Promise<Outcome[]> {
  const events: DropEvent[] = []
  const stop = onDrop(event => events.push(event))
  const outcomes: Outcome[] = []
  let leftOpen = 0
  for (const ask of asks) {
    const answer = await send(ask, target)
    const [event, ...more] = events.splice(0)
    const problem = more.length > 0 ? `made ${more.length + 1} events` : problemOf(ask, event, answer)
    outcomes.push({ ask, answer, rule: event?.rule, problem })
    if (!answer.ended && ++leftOpen === ENOUGH_LEFT_OPEN) break
    if (pause > 0) await sleep(pause)
  }
  stop()
  return outcomes
}

function problemOf({ expect }: Ask, event: DropEvent | undefined, answer: Answer): string | undefined {
  if (!event) {
    const got = answer.statusLine === '' ? 'nothing' : `"${answer.statusLine}"`
    if (expect !== 'pass' && expect !== 'flood')
      return `must be dropped by ${expect}, but was not: it got ${got}`
    return /^HTTP\/1\.1 (200|204|404) /.test(answer.statusLine) ? undefined : `must pass, but got ${got}`
  }
  const { rule, reason } = event
  if (expect === 'pass') return `must pass, but was dropped by ${rule} (${reason})`
  if (rule !== (expect === 'flood' ? 'rateLimit' : expect))
    return `must be dropped by ${expect}, not by ${rule}`
  if (answer.bytes > 0) return `was dropped by ${rule}, but ${answer.bytes} bytes reached the client`
  return answer.ended ? undefined : `was dropped by ${rule}, but its connection was left open`
}

/** Whether the rate limit let through what nginx's arithmetic says, and no more. */
export function floodProblem(
  outcomes: readonly Outcome[],
  limit: { rate: number; burst: number },
  seconds: number,
): string | undefined {
  const passed = outcomes.filter(({ rule }) => rule === undefined).length
  const atOnce = limit.burst + 1
  const most = atOnce + Math.ceil(limit.rate * seconds)
  if (passed >= Math.min(atOnce, outcomes.length) && passed <= most && passed < outcomes.length)
    return undefined
  return `the flood: ${passed} of ${outcomes.length} requests passed, not ${atOnce} to ${most}`
}
