import { printableCut } from './printable.ts'

/** The codes of all process warnings of this package. Each has a section in `docs/errors.md`. */
export type WarningCode =
  | 'DROP444_UNTRUSTED_PROXY'
  | 'DROP444_TRUST_ALL'
  | 'DROP444_TRUST_PROMISE'
  | 'DROP444_MADE_ANEW'
  | 'DROP444_HANDOFF_CLOSE'
  | 'DROP444_NO_SUBSCRIBER'
  | 'DROP444_CALLBACK_FAILED'
  | 'DROP444_LOG_LOST'
  | 'DROP444_NO_TLS'
  | 'DROP444_CAPITALS'
  | 'DROP444_UNJUDGED_UPGRADE'
  | 'DROP444_HEALTH_CHECK'
  | 'DROP444_CATCH_ALL'
  | 'DROP444_UNSEEN_HANDLER'
  | 'DROP444_NO_ROUTE'
  | 'DROP444_STORE_DOWN'
  | 'DROP444_DAMAGED_VALUE'
  | 'DROP444_FOREIGN_KEY'
  | 'DROP444_SLOW_PATTERN'

/** The most characters of a message. */
const MAX_WARNING = 4_000

const given = new Set<WarningCode>()

/** Whether this warning was given already. Then a caller can skip the check for it. */
export function warned(code: WarningCode): boolean {
  return given.has(code)
}

/** {@link warn}, once for each code in a process. For settings that are legal, but almost surely wrong. */
export function warnOnce(code: WarningCode, message: string): void {
  if (given.has(code)) return
  given.add(code)
  warn(code, message)
}

/**
 * Emits a process warning with our type, a code and the page that explains it. A message may quote a client, so it is made
 * printable. If `process.emitWarning` was replaced by a function that throws, there is no warning.
 */
export function warn(code: WarningCode, message: string): void {
  try {
    const text = `${printableCut(message, MAX_WARNING)} (see docs/errors.md)`
    process.emitWarning(text, { type: 'Drop444Warning', code })
  } catch {}
}
