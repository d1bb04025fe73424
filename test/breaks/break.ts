/** A way to break the library that a test must notice. */
export interface Break {
  readonly name: string
  /** In `lib/`. */
  readonly file: string
  /** Text that stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** The test files, in `test/`, of which at least one has to fail. */
  readonly tests: readonly string[]
}
