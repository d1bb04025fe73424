import { show } from '../../../diagnostics/show.ts'
import { outsideRequests } from '../../../runtime/async-context.ts'
import { slotOf, tagOf } from '../cluster-slot.ts'
import { foreignKey, warnDamaged } from '../odd-values.ts'
import { explained, isCrossSlot } from '../redis-errors.ts'
import { runScript, type Send } from '../script.ts'
import { argumentsOf, type Counted, keysOf, type LimitRequest, splitByKeys } from './limit-request.ts'
import { FOREIGN, limitScript } from './limit-script.ts'
import { RedisClock } from './redis-clock.ts'

const MAX_KEYS = 128
const LONE = 8

/** Thrown when the keys of one request are in several slots: each slot has to be asked apart. */
export class CrossSlotError extends Error {}

export interface BatchesOptions {
  readonly send: Send
  /** Whether Redis is known to be a Cluster. */
  readonly isCluster: boolean
  /** Milliseconds after which a decision is not made any more. */
  readonly late: number
}

/**
 * Sends all requests of one tick in one call (in a Cluster: one a slot), of at most 128 keys each.
 *
 * A call says until when it may be decided: a client that lost its connection may send it much later.
 */
export class Batches {
  readonly #send: Send
  readonly #late: number
  readonly #clock = new RedisClock()
  #isCluster: boolean
  #asked: LimitRequest[] = []
  #keys = 0
  /** Calls that Redis has not replied to, and when the last was sent: some clients forget what a cut connection lost. */
  #underway = 0
  #sentAt = 0
  /** Consecutive ticks that had only one request. */
  #lone = 0
  /** The hash tag of a key of the last call that failed: a probe goes to its node. */
  failedTag: string | undefined

  constructor({ send, isCluster, late }: BatchesOptions) {
    this.#send = send
    this.#isCluster = isCluster
    this.#late = late
  }

  get isCluster(): boolean {
    return this.#isCluster
  }

  ask(request: LimitRequest): void {
    if (this.#underway > 0 && request.at - this.#sentAt > this.#late) this.#underway = 0
    // If requests come one a tick, this one need not wait for others.
    if (this.#lone === LONE && this.#underway === 0 && this.#asked.length === 0) {
      this.#start([request], 1)
      return
    }
    this.#keys += request.asks.length
    if (this.#asked.push(request) === 1) setImmediate(this.#flush)
    // A full call is sent now, so that Redis works while more requests come in.
    else if (this.#keys >= MAX_KEYS) this.#flush()
  }

  readonly #flush = () => {
    const asked = this.#asked
    if (asked.length === 0) return
    this.#asked = []
    this.#keys = 0
    this.#lone = asked.length === 1 ? Math.min(this.#lone + 1, LONE) : 0
    this.#start(asked, 1)
  }

  /** @param tries how many more times it may be sent after a clock was taken for another */
  #start(requests: readonly LimitRequest[], tries: number): void {
    if (requests.length === 1) {
      this.#call(requests, tries)
      return
    }
    for (const group of this.#isCluster ? bySlot(requests) : [requests]) {
      for (const part of splitByKeys(group, MAX_KEYS)) this.#call(part, tries)
    }
  }

  #call(requests: readonly LimitRequest[], tries: number): void {
    const sentAt = performance.now()
    const keys = keysOf(requests)
    const deadline = Math.ceil(this.#clock.at(sentAt + this.#late))
    const args = argumentsOf(requests, deadline, Math.floor(this.#clock.unmovedAt(sentAt)))
    this.#underway++
    this.#sentAt = sentAt
    // A call belongs to many requests, and a client may keep the async context of a command for good.
    outsideRequests(() => runScript(this.#send, limitScript, keys, args)).then(
      reply => {
        this.#underway = Math.max(0, this.#underway - 1)
        try {
          const values = numbersOf(reply, keys.length)
          const damaged = values[keys.length + 1]
          if (damaged !== undefined) warnDamaged(keys[damaged - 1] ?? '')
          this.#read(requests, values, sentAt, tries)
        } catch (error) {
          this.#fail(requests, error, tries)
        }
      },
      error => {
        this.#underway = Math.max(0, this.#underway - 1)
        this.#fail(requests, error, tries)
      },
    )
  }

  /** @param values the script's reply */
  #read(requests: readonly LimitRequest[], values: readonly number[], sentAt: number, tries: number): void {
    const now = performance.now()
    this.#clock.learn(values[0] as number, sentAt, now)
    if (values.length > 1) this.#answer(requests, values)
    // The call can't have been late: our estimate of Redis's clock was wrong.
    else if (tries > 0 && now - sentAt < this.#late) this.#start(requests, tries - 1)
    else throw new Error('Redis came to it too late: nothing was counted')
  }

  #answer(requests: readonly LimitRequest[], values: readonly number[]): void {
    const foreign = values.indexOf(FOREIGN)
    let from = 1
    for (const request of requests) {
      const next = from + request.asks.length
      const at = foreign < 0 ? -1 : values.indexOf(FOREIGN, from)
      if (at < 0 || at >= next) request.answer(values, from)
      else request.fail(foreignKey((request.asks[at - from] as Counted).key))
      from = next
    }
  }

  #fail(requests: readonly LimitRequest[], error: unknown, tries: number): void {
    const asks = requests.flatMap(request => request.asks)
    if (isCrossSlot(error) && !isInOneSlot({ asks })) {
      this.#isCluster = true
      for (const request of requests) if (!isInOneSlot(request)) request.fail(new CrossSlotError())
      this.#start(requests.filter(isInOneSlot), tries)
      return
    }
    this.failedTag = tagOf(asks[0]?.key ?? '')
    const failure = explained(error)
    for (const request of requests) request.fail(failure)
  }
}

export const isInOneSlot = ({ asks }: { readonly asks: readonly Counted[] }): boolean => {
  if (asks.length === 1) return true
  const slot = slotOf((asks[0] as Counted).key)
  return asks.every(({ key }) => slotOf(key) === slot)
}

function bySlot(requests: readonly LimitRequest[]): Iterable<readonly LimitRequest[]> {
  const groups = new Map<number, LimitRequest[]>()
  for (const request of requests) {
    const slot = slotOf((request.asks[0] as Counted).key)
    const group = groups.get(slot)
    if (group) group.push(request)
    else groups.set(slot, [request])
  }
  return groups.values()
}

/** The script's reply for `keys` keys as numbers: a client may be set up to return text. */
function numbersOf(reply: unknown, keys: number): readonly number[] {
  const list: readonly unknown[] = Array.isArray(reply) ? reply : []
  const values = list.every(isNumber) ? list : list.map(toNumber)
  const [damaged = 1] = values.slice(keys + 1)
  const isWhole = values.length === 1 || values.length === keys + 1 || values.length === keys + 2
  if (!isWhole || !values.every(Number.isSafeInteger) || damaged < 1 || damaged > keys) {
    throw new TypeError(`sendCommand returned something else than what the script replies: ${show(reply)}`)
  }
  return values
}

const isNumber = (value: unknown) => typeof value === 'number'

const toNumber = (value: unknown) =>
  ['string', 'bigint'].includes(typeof value) && value !== '' ? Number(value) : Number.NaN
