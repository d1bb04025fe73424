import { errorOf } from './thrown.ts'

/** Makes an Error of a thrown value: Express reads `next('route')` and `next(undefined)` as "go on". */
export function asError(name: string, thrown: unknown): Error {
  return errorOf(`rule "${name}" threw`, thrown)
}

/** Whether a value is a promise or another thenable. @throws what a getter of `then` throws */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}

/** A promise that settles once, as the thenable does. It rejects if `then` throws or can't be read. Never throws. */
export function promiseOf<T>(value: T | PromiseLike<T>): Promise<T> {
  return new Promise(resolve => resolve(value))
}

/** Catches the rejection of a callback's result, if that is a promise. Otherwise it would end the process. */
export function onRejection(result: unknown, onError: (error: unknown) => void): void {
  if (result === undefined) return
  try {
    if (isThenable(result)) promiseOf(result).catch(onError)
  } catch (error) {
    onError(error)
  }
}
