import type { Deadlines, Wait } from './deadlines.ts'

/** Exactly one of the two is called, once. */
export interface Outcome<T> {
  answered(value: T): void
  /** Undefined: no answer came in time. */
  failed(error: unknown): void
}

/** A call that waits for its answer, or was given up. A promise that never settles holds this object alone. */
export interface Call<T> {
  /** Both undefined once the deadline has passed: an outcome holds a rule, and a rule has much memory. */
  outcome: Outcome<T> | undefined
  wait: Wait | undefined
  readonly deadlines: Deadlines
  /** Calls that were given up and have not come back. */
  readonly strays: Set<object>
}

/** Reports an answer that comes in time; a later one only takes the call off the strays. */
export function followAnswer<T>(answer: Promise<T>, call: Call<T>): void {
  const take = () => {
    const { outcome, wait } = call
    call.outcome = undefined
    call.wait = undefined
    if (wait) call.deadlines.delete(wait)
    else call.strays.delete(call)
    return outcome
  }
  answer.then(
    value => take()?.answered(value),
    error => take()?.failed(asError(error)),
  )
}

/** A store may reject with nothing at all. */
export const asError = (error: unknown) => (error === undefined ? new Error('the store failed') : error)

/** The reason of an outage that began with a call that was late. */
export const lateError = (timeout: number) => new Error(`the store did not answer within ${timeout} ms`)
