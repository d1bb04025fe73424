import { KeyError } from '../../diagnostics/key-error.ts'
import { show } from '../../diagnostics/show.ts'
import { warnOnce } from '../../diagnostics/warnings.ts'

/** Warns once of a value under one of our keys that we have not written so. */
export function warnDamaged(key: string): void {
  warnOnce(
    'DROP444_DAMAGED_VALUE',
    `redisStore: what Redis has under ${show(key)} is not what drop444 writes there: it was taken for nothing, and is overwritten`,
  )
}

/** The error for a key that holds another type; warns once. */
export function foreignKey(key: string): KeyError {
  const message = `redisStore: the key ${show(key)} is of another type than ours (WRONGTYPE): somebody else uses it`
  warnOnce('DROP444_FOREIGN_KEY', `${message}. It is left alone, and nothing is counted there`)
  return new KeyError(message)
}
