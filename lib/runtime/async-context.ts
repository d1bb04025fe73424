import { AsyncResource } from 'node:async_hooks'

const TYPE = 'DROP444'

/** A callback bound to an asynchronous context. A later event, timer or queue calls it. */
export type InContext<A extends unknown[]> = (...args: A) => void

/**
 * Binds a callback to the current asynchronous context (`AsyncLocalStorage`, OpenTelemetry), whatever calls it later. Needed if
 * a request goes on after an event, a timer or a queue that other requests share. Callbacks of promises keep their context anyway.
 */
export function inThisContext<A extends unknown[]>(callback: (...args: A) => void): InContext<A> {
  // `AsyncResource.bind` does the same, but takes twenty times as long.
  const here = new AsyncResource(TYPE)
  return (...args) => here.runInAsyncScope(callback, undefined, ...args)
}

/** The context at load, before there is any request. */
const beforeAll = /* @__PURE__ */ new AsyncResource(TYPE)

/** A resource of its own for each run: on Node 20 and 22 a store that `enterWith` sets would stay on a shared one. */
const runApart = <T>(run: () => T): T => new AsyncResource(TYPE).runInAsyncScope(run)

/**
 * Runs something in the context of no request. For timers and calls that many requests share: in the context of the request
 * that happens to start them they would run as a part of it, and keep its data alive.
 */
export function outsideRequests<T>(run: () => T): T {
  return beforeAll.runInAsyncScope(runApart as (run: () => T) => T, undefined, run)
}
