import { messageOf } from '../diagnostics/thrown.ts'
import { closest } from './did-you-mean.ts'
import { OptionsError, refuse } from './options-error.ts'
import { peerHint } from './other-packages.ts'

/** Checks a given value and converts it for the factory, or calls `fail`, which throws. */
export type Check<T> = (value: unknown, fail: (expected: string) => never, factory?: string) => T

type Checked<C> = { [K in keyof C]: C[K] extends Check<infer T> ? T | undefined : never }

/**
 * Runs `read` on a user's value. An error that the user's getter, proxy or iterator throws becomes an OptionsError that names the
 * option.
 *
 * @throws OptionsError
 */
export function reading<T>(factory: string, option: string, value: unknown, read: () => T): T {
  try {
    return read()
  } catch (error) {
    return refuseUnread(factory, option, value, error)
  }
}

/** Throws an OptionsError in place of an error from reading an option; an OptionsError is thrown as it is. */
export function refuseUnread(factory: string, option: string, value: unknown, error: unknown): never {
  if (isOurs(error)) throw error
  const message = `${factory}: "${option}" can't be read: ${messageOf(error)}`
  throw new OptionsError('DROP444_INVALID_OPTION', message, option, value)
}

function isOurs(error: unknown): boolean {
  try {
    return error instanceof OptionsError
  } catch {
    return false
  }
}

/**
 * Reads the options of a factory. A known option goes through its check, an absent one is undefined, and an unknown one is an
 * error. The caller's object is not changed.
 */
export function readOptions<C extends Record<string, Check<unknown>>>(
  factory: string,
  input: unknown,
  checks: C,
): Checked<C> {
  const given = reading(factory, 'options', input, () => {
    if (input !== undefined && !isPlainObject(input)) refuse(factory, 'options', input, 'a plain object')
    return (input ?? {}) as Record<string, unknown>
  })
  const known = Object.keys(checks)
  const result: Record<string, unknown> = Object.fromEntries(known.map(name => [name, undefined]))
  for (const option of reading(factory, 'options', input, () => Object.keys(given))) {
    const value = reading(factory, option, undefined, () => given[option])
    const check = Object.hasOwn(checks, option) ? checks[option] : undefined
    if (!check) {
      const didYouMean = closest(option, known)
      const hint = didYouMean === undefined ? peerHint(option) : undefined
      const message = `${factory}: unknown option "${option}"${hint === undefined ? '' : ` (${hint})`}`
      throw new OptionsError('DROP444_UNKNOWN_OPTION', message, option, value, didYouMean)
    }
    if (value === undefined) continue
    result[option] = reading(factory, option, value, () =>
      check(value, expected => refuse(factory, option, value, expected), factory),
    )
  }
  return result as Checked<C>
}

/** Whether a value can be an options object: not an array, and not an instance of a class. */
export function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  // Not compared with this realm's Object.prototype: a config that was read in a vm has another realm's.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * Catches `app.use(noHost)` written for `app.use(noHost())`: the app then calls the factory with a request, and without this check
 * every request would hang.
 */
export function refuseRequest(factory: string, first: unknown): void {
  const isRequest = () =>
    typeof first === 'object' && first !== null && 'headers' in first && 'httpVersion' in first
  if (!reading(factory, 'options', first, isRequest)) return
  throw new OptionsError(
    'DROP444_NOT_CALLED',
    `${factory} makes a middleware and must be called: app.use(${factory}(…)), not app.use(${factory})`,
    'options',
    undefined,
  )
}

export const boolean: Check<boolean> = (value, fail) =>
  typeof value === 'boolean' ? value : fail('true or false')

export const text: Check<string> = (value, fail) =>
  typeof value === 'string' && value !== '' ? value : fail('a string that is not empty')

// biome-ignore lint/suspicious/noExplicitAny: the caller names the type of the function
export function fn<F extends (...args: any[]) => unknown>(): Check<F> {
  return (value, fail) => (typeof value === 'function' ? (value as F) : fail('a function'))
}

/** Checks a whole number within bounds, both included. */
export function integer(from: number, to: number): Check<number> {
  return (value, fail) =>
    Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to
      ? (value as number)
      : fail(`a whole number from ${from} to ${to}`)
}

export function oneOf<T extends string>(...values: T[]): Check<T> {
  return (value, fail) =>
    values.includes(value as T) ? (value as T) : fail(values.map(each => `'${each}'`).join(' or '))
}

/** Whether a value can be read as a list. A string can't: it would be a list of its letters. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return (
    typeof value === 'object' && typeof (value as Iterable<unknown> | null)?.[Symbol.iterator] === 'function'
  )
}

/** Checks a list, and copies it. A single string is refused. */
export const list: Check<readonly unknown[]> = (value, fail) => {
  return isIterable(value) ? [...value] : fail('an array')
}

/** Reads the list that is a factory's first argument. It is read only once, because an iterator is empty the second time. */
export function listArgument(factory: string, argument: string, value: unknown): readonly unknown[] {
  const given = reading(factory, argument, value, () =>
    list(value, expected => refuse(factory, argument, value, expected), factory),
  )
  return given.length > 0 ? given : refuse(factory, argument, value, 'an array with at least one entry')
}
