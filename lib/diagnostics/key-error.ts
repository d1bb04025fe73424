import { lastingKey } from '../runtime/copies.ts'

const kKeyError: unique symbol = lastingKey('key-error') as never

/**
 * A store works, but not with this key: something else stands there. It says nothing of the other keys, so it is no outage:
 * `onStoreError` decides on what the key would count.
 */
export class KeyError extends Error {
  override readonly name = 'KeyError'
  /** The store may be of another copy of this package. */
  readonly [kKeyError] = true
}

/** Also of what a store of the user's throws, whatever that is. */
export function isKeyError(thrown: unknown): thrown is KeyError {
  try {
    return kKeyError in (thrown as KeyError)
  } catch {
    return false
  }
}
