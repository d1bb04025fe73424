import { warned, warnOnce } from '../diagnostics/warnings.ts'
import { isHttp2, type Request } from '../request/http-types.ts'
import { outsideRequests } from '../runtime/async-context.ts'

const CODE = 'DROP444_MADE_ANEW'

/** Rules of one name that were made for a single request and thrown away, until the warning is given. */
const MANY = 20
/** The most names that are counted. A name for each tenant would otherwise fill the memory. */
const MAX_NAMES = 100

/** Counts the turns of the event loop in which rules are made. */
let turn = 0
let isTurnNoted = false
/** Bound at load time, because tests replace the global `setImmediate` by a fake clock's. */
const soon = /* @__PURE__ */ setImmediate.bind(undefined)

/** What is known about a rule until it is clear that it was not made for one request. */
export interface Birth {
  readonly turn: number
  isWatched: boolean
}

/** Called when a rule is made. */
export function noteBirth(): Birth {
  if (!isTurnNoted) {
    isTurnNoted = true
    const end = () => {
      isTurnNoted = false
      turn++
    }
    outsideRequests(() => soon(end).unref())
  }
  return { turn, isWatched: false }
}

/** How many rules of each name were thrown away after their first request. */
const thrownAway = new Map<string, number>()
/** Names of rules that were made during a request and then kept, such as one rule per tenant. */
const kept = new Set<string>()

let registry: FinalizationRegistry<string> | undefined

function onCollected(name: string): void {
  if (kept.has(name)) return
  const count = (thrownAway.get(name) ?? 0) + 1
  if (count === 1 && thrownAway.size >= MAX_NAMES) return
  thrownAway.set(name, count)
  if (count < MANY) return
  warnOnce(
    CODE,
    `rule "${name}" was made for one request and thrown away behind it, ${MANY} times: it is compiled each time, and what it counts is lost. ` +
      'Make it once, outside the handler',
  )
}

/** Whether a request came through a server. A request that a test made by hand did not. */
const isServed = (req: Request) =>
  isHttp2(req) ? req.stream?.session != null : (req.socket as { server?: unknown } | null)?.server != null

/**
 * Called once for each request that asks a rule, until it returns undefined. A rule counts as thrown away if only one request asked it
 * before it was garbage collected. So neither a rule that is kept for a tenant nor a rule in a test is counted.
 *
 * @returns the `birth` for the next call; undefined if no further call is needed
 */
export function noteAsked(birth: Birth, rule: object, name: string, req: Request): Birth | undefined {
  if (birth.isWatched) {
    if (kept.size < MAX_NAMES) kept.add(name)
    return undefined
  }
  if (birth.turn !== turn || warned(CODE) || kept.has(name) || !isServed(req)) return undefined
  birth.isWatched = true
  registry ??= new FinalizationRegistry(onCollected)
  registry.register(rule, name)
  return birth
}
