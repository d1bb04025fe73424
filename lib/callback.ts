import { show } from './errors.ts'

/** Express reads `next('route')`, and `next(undefined)`, as "go on": only an Error is surely an error. */
export function asError(name: string, thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new Error(`rule "${name}" threw ${show(thrown)}`, { cause: thrown })
}

export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
