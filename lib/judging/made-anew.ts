import { warned, warnOnce } from '../diagnostics/warnings.ts'
import { isHttp2, type Request } from '../request/http-types.ts'
import { outsideRequests } from '../runtime/async-context.ts'

const CODE = 'DROP444_MADE_ANEW'

/** Rules of a name that are made for one request each and thrown away, before it is said. */
const MANY = 20
/** Names that are counted: each tenant may have one. */
const MAX_NAMES = 100

/** Counts turns of the event loop, as far as rules are made in them. */
let turn = 0
let isTurnNoted = false
/** Not looked up later: tests put clocks of their own in its place. */
const soon = /* @__PURE__ */ setImmediate.bind(undefined)

/** What is known of a rule until it is clear that it was not made for one request. */
export interface Birth {
  readonly turn: number
  isWatched: boolean
}

/** To be called as a rule is made. */
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

/** How many rules of a name were thrown away behind their first request. */
const thrownAway = new Map<string, number>()
/** Names of rules that were made while a request was under way, and then kept: as one a tenant is. */
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

/** Whether a request came to a server, and is none that a test has made. */
const isServed = (req: Request) =>
  isHttp2(req) ? req.stream?.session != null : (req.socket as { server?: unknown } | null)?.server != null

/**
 * To be called when a request asks a rule, the first time that it does. A rule is thrown away when it is collected, and no other request
 * has asked it: so one that is kept for a tenant is not taken for one that is made anew, and neither is one of a test.
 *
 * @returns what is to be given the next time; undefined where nothing is left to find out
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
