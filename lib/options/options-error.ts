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
 * Thrown by a factory whose options, list or patterns can't mean anything: when it is called, which is at start.
 *
 * `code` is stable, `option` and `value` are what was given, `didYouMean` is the option that was probably meant.
 */
export class OptionsError extends Error {
  override readonly name = 'OptionsError'
  /** Stable: for programs, and for `docs/errors.md`. */
  readonly code: OptionsErrorCode
  /** The name of the option or argument. */
  readonly option: string
  /** What was given for it; of a list, the bad entry. */
  readonly value: unknown
  /** The option, or the entry, that was probably meant. */
  readonly didYouMean: string | undefined

  /** For this package: the message gets the code, and what was probably meant. */
  constructor(code: OptionsErrorCode, message: string, option: string, value: unknown, didYouMean?: string) {
    const hint = didYouMean === undefined ? '' : ` Did you mean "${didYouMean}"?`
    super(`${message}.${hint} (${code}, see docs/errors.md)`)
    this.code = code
    this.option = option
    this.value = value
    this.didYouMean = didYouMean
  }
}

/** Refuses an argument or option, or its absence. */
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
