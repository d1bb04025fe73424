import { lastingKey } from '../runtime/copies.ts'

const kKeyError: unique symbol = /* @__PURE__ */ lastingKey('key-error') as never

/**
 * A store works, but not with this key: Redis holds another type of value there. Other keys are not affected, so it is no
 * outage; `onStoreError` decides about the request.
 */
export class KeyError extends Error {
  override readonly name = 'KeyError'
  /** Recognised by this mark, as the store may belong to another copy of this package. */
  declare readonly [kKeyError]: true

  constructor(message: string) {
    super(message)
    this[kKeyError] = true
  }
}

/** Whether a thrown value of any kind is a {@link KeyError}. Never throws. */
export function isKeyError(thrown: unknown): thrown is KeyError {
  try {
    return kKeyError in (thrown as KeyError)
  } catch {
    return false
  }
}
