import { errorOf } from './thrown.ts'

/** Express reads `next('route')`, and `next(undefined)`, as "go on": only an Error is surely an error. */
export function asError(name: string, thrown: unknown): Error {
  return errorOf(`rule "${name}" threw`, thrown)
}

/** @throws what a getter of `then` throws */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}

/** Settles once, as the thenable does; rejects where that can't be read, or throws. Never throws. */
export function promiseOf<T>(value: T | PromiseLike<T>): Promise<T> {
  return new Promise(resolve => resolve(value))
}

/** Hears what the result of a callback rejects with, if it is a promise: nobody else does, and it would end the process. */
export function onRejection(result: unknown, onError: (error: unknown) => void): void {
  if (result === undefined) return
  try {
    if (isThenable(result)) promiseOf(result).catch(onError)
  } catch (error) {
    onError(error)
  }
}
