import { show } from '../diagnostics/show.ts'

/** Every `code` an {@link OptionsError} can have. Each has a section in `docs/errors.md`. */
export type OptionsErrorCode =
  | 'DROP444_NOT_CALLED'
  | 'DROP444_UNKNOWN_OPTION'
  | 'DROP444_MISSING_OPTION'
  | 'DROP444_INVALID_OPTION'
  | 'DROP444_INVALID_ENTRY'
  | 'DROP444_ALREADY_PROTECTED'

/**
 * Thrown by a factory for options, a list or patterns that it can't use. It is thrown by the call itself, so usually when the app starts.
 */
export class OptionsError extends Error {
  override readonly name = 'OptionsError'
  /** A stable code for programs to compare, and the heading to look up in `docs/errors.md`. */
  readonly code: OptionsErrorCode
  /** The name of the option or argument. */
  readonly option: string
  /** The value that was given for it; for a list, the bad entry. */
  readonly value: unknown
  /** The option, or the entry, that was probably meant. */
  readonly didYouMean: string | undefined

  /** For use by this package only. Appends the code and the suggestion to `message`. */
  constructor(code: OptionsErrorCode, message: string, option: string, value: unknown, didYouMean?: string) {
    const hint = didYouMean === undefined ? '' : ` Did you mean "${didYouMean}"?`
    super(`${message}.${hint} (${code}, see docs/errors.md)`)
    this.code = code
    this.option = option
    this.value = value
    this.didYouMean = didYouMean
  }
}

/** Refuses an argument or option: a missing one if `value` is undefined, else a wrong one. */
export function refuse(factory: string, option: string, value: unknown, expected: string): never {
  const isMissing = value === undefined
  throw new OptionsError(
    isMissing ? 'DROP444_MISSING_OPTION' : 'DROP444_INVALID_OPTION',
    `${factory}: "${option}" ${isMissing ? 'is required:' : 'must be'} ${expected}${isMissing ? '' : `, not ${show(value)}`}`,
    option,
    value,
  )
}

/** Refuses one entry of a list. */
export function refuseEntry(
  factory: string,
  option: string,
  entry: unknown,
  problem: string,
  didYouMean?: string,
): never {
  const message = `${factory}: ${show(entry)} in "${option}" can't be used: ${problem}`
  throw new OptionsError('DROP444_INVALID_ENTRY', message, option, entry, didYouMean)
}
