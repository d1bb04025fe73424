import type { OffenderNews, OffenderRecord } from '../offender-store.ts'
import type { Offenders } from '../offenders.ts'
import { MAX_AHEAD, type Outbox } from './outbox.ts'
import { soundRecord } from './sound-record.ts'

/** Takes in a store's answers: its clock, the number of its last change, and the records of offenders. */
export class StoreNews {
  readonly #offenders: Offenders
  readonly #outbox: Outbox
  /** Where the next read goes on. */
  cursor = 0
  /** The number of the store's last change, as of its last answer. */
  last = 0
  #born = ''
  /** Where the store keeps these offenders: see {@link OffenderNews.place}. */
  place: string | undefined
  /** The store's clock minus ours. */
  #ahead = 0
  /** The store's clock minus a monotonic one: ours may be the user's. */
  #aheadOfSteady: number | undefined

  constructor(offenders: Offenders, outbox: Outbox) {
    this.#offenders = offenders
    this.#outbox = outbox
  }

  /** What the store's clock is believed to say. */
  get expected(): number | undefined {
    return this.#aheadOfSteady === undefined ? undefined : this.#aheadOfSteady + performance.now()
  }

  /** @param before `last` at the time of the call */
  hear({ now, last, born, place, records }: OffenderNews, before: number, isReply = false): void {
    const beganAnew = this.#born !== '' && born !== this.#born
    this.#ahead = now - this.#offenders.now()
    this.#aheadOfSteady = now - performance.now()
    this.last = last
    this.#born = born
    this.place = place
    if (beganAnew || last < before) {
      // Networks in this answer are up to date.
      const answered = new Set(isReply ? records.map(({ address }) => address) : [])
      for (const known of this.#offenders.known())
        if (!answered.has(known.address)) this.#outbox.restore(known)
      // Whatever the store still has is read from the beginning.
      this.cursor = 0
    }
    this.#adopt(records, now, isReply)
  }

  #adopt(records: readonly OffenderRecord[], now: number, isReply: boolean): void {
    for (const each of records) {
      const sound = soundRecord(each, now)
      if (!sound) continue
      const { at, since, until, ...record } = sound
      this.#outbox.heard(at, now)
      // A decision of ours is waiting to be written: the store will decide which one is later.
      if (this.#outbox.decidedAt(record.address) !== undefined) {
        if (isReply) this.#outbox.comesAfter(record.address, at)
        continue
      }
      const known = this.#offenders.find(record.address)
      if (known?.storeAt === at) continue
      // A beginning in the future means that the store's clock was set back: the ban began now at the latest.
      const ours = this.#ahead + (since > now + MAX_AHEAD ? since - now : 0)
      const dated = { at: at - ours, since: since - ours, until: until - ours, storeAt: at }
      this.#offenders.adopt({ ...record, ...dated })
    }
  }
}
