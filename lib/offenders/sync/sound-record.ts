import type { OffenderRecord } from '../offender-store.ts'

/** The longest time that is believed, in milliseconds: 200 years, as no ban is longer than 100. */
export const LONGEST = 2 * 36_525 * 86_400_000
/** No time is later, or as much earlier: half of what a date can hold. */
export const LAST_TIME = 4.32e15
/** No ban is of a higher level: ten doublings are a thousand times as long. */
export const MOST_LEVEL = 100

const isTime = (value: number) => Math.abs(value) <= LAST_TIME

/** What a store has told, as it can be used: a ban without end has one. Undefined where it makes no sense. */
export function soundRecord(record: OffenderRecord, now: number): OffenderRecord | undefined {
  const { at, since, until, level } = record
  const isSound = isTime(at) && isTime(since) && !Number.isNaN(until) && Number.isInteger(level) && level >= 0
  if (!isSound || level > MOST_LEVEL) return undefined
  // Before it is out of bounds, it is over.
  return { ...record, until: Math.min(Math.max(until, -LAST_TIME), now + LONGEST) }
}
