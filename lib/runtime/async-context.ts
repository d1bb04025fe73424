import { AsyncResource } from 'node:async_hooks'

const TYPE = 'DROP444'

/** What a later event, timer or turn of the queue calls in the asynchronous context of now. */
export type InContext<A extends unknown[]> = (...args: A) => void

/**
 * Has a callback run in the asynchronous context of now (`AsyncLocalStorage`, OpenTelemetry), whatever calls it. For what goes
 * on with a request behind an event, a timer or a queue that other requests share. Callbacks of promises need none.
 */
export function inThisContext<A extends unknown[]>(callback: (...args: A) => void): InContext<A> {
  // `AsyncResource.bind` does the same, and takes twenty times as long.
  const here = new AsyncResource(TYPE)
  return (...args) => here.runInAsyncScope(callback, undefined, ...args)
}

/** Made before there is any request. */
const beforeAll = new AsyncResource(TYPE)

/** What `enterWith` leaves on a resource on Node 20 and 22 stays there: so each run has one of its own. */
const runApart = <T>(run: () => T): T => new AsyncResource(TYPE).runInAsyncScope(run)

/**
 * Runs something in the context of no request. For timers and calls that many requests share: in the context of the request
 * that happens to start them, they would act in its name and keep what belongs to it alive.
 */
export function outsideRequests<T>(run: () => T): T {
  return beforeAll.runInAsyncScope(runApart as (run: () => T) => T, undefined, run)
}
