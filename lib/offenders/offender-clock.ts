import { reportError } from '../diagnostics/report-error.ts'
import { Steady } from '../runtime/steady.ts'

/** A clock in whole milliseconds that never goes back. Its zero is arbitrary: times become dates only to be shown. */
export interface OffenderClock {
  now(): number
  /** A time as milliseconds since the epoch. */
  dateOf(time: number): number
}

/** Beyond it there are no dates. */
const MAX_DATE = 8.64e15

/** Smaller differences come from rounding or slewing, not from a clock that was set: dates stay the same. */
const TOLERANCE = 100

/** The system's monotonic clock: setting the date changes only how times are shown. */
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

/** A clock of the user's. If it fails, the time stays what it was last. */
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
