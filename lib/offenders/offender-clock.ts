import { reportError } from '../diagnostics/report-error.ts'
import { Steady } from '../runtime/steady.ts'

/** Times are whole milliseconds of no certain beginning: they never go back, and are made dates only to be shown. */
export interface OffenderClock {
  now(): number
  /** A time as milliseconds since the epoch. */
  dateOf(time: number): number
}

/** Beyond it there are no dates. */
const MAX_DATE = 8.64e15

/** A system clock that differs by less was not set, but is read between two milliseconds or slewed: dates stay the same. */
const TOLERANCE = 100

/** The system's: a date that was set while it ran moves no time. */
function systemClock(): OffenderClock {
  let ahead = 0
  const now = () => Math.floor(performance.timeOrigin + performance.now())
  return {
    now,
    dateOf(time) {
      const found = Date.now() - now()
      if (Math.abs(found - ahead) > TOLERANCE) ahead = found
      return time + ahead
    },
  }
}

/** One of the user's. Where it fails, the time is what it was last. */
function clockOf(read: () => number): OffenderClock {
  const steady = new Steady()
  let last = 0
  return {
    now() {
      try {
        const time = Math.floor(read())
        if (!(Math.abs(time) <= MAX_DATE / 2)) {
          throw new TypeError(`repeatOffender: now must return milliseconds, not ${time}`)
        }
        last = steady.follow(time)
      } catch (error) {
        reportError('the clock of repeatOffender', error)
      }
      return last
    },
    dateOf: time => time - steady.ahead,
  }
}

export const makeClock = (read?: () => number): OffenderClock => (read ? clockOf(read) : systemClock())
