import { reportError } from '../drop-channel.ts'

/** Beyond it there are no dates. */
const MAX_DATE = 8.64e15

/** Of this process: a clock that is set back would make bans longer, one that is set forward would end them. */
const steadyClock = () => performance.timeOrigin + performance.now()

/** Whole milliseconds since the epoch. Where a clock of the user's fails, the time is what it was last. */
export function makeClock(now: () => number = steadyClock): () => number {
  let last = 0
  return () => {
    try {
      const time = Math.floor(now())
      if (Math.abs(time) <= MAX_DATE / 2) last = time
      else throw new TypeError(`repeatOffender: now must return milliseconds, not ${time}`)
    } catch (error) {
      reportError('the clock of repeatOffender', error)
    }
    return last
  }
}
