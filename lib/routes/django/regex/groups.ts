import { PythonSyntaxError } from './reader.ts'

const identifier = /^[\p{ID_Start}_]\p{ID_Continue}*$/u

/** Whether a text is a name in Python (`str.isidentifier`). */
export const isIdentifier = (name: string) => identifier.test(name)

/** The capturing groups that a pattern has opened so far, and which of them are sure to have matched. */
export class Groups {
  readonly names = new Map<string, number>()
  readonly #open = new Set<number>()
  readonly #unsure = new Set<number>()
  count = 0

  open(name?: string): number {
    const group = ++this.count
    if (name !== undefined) {
      if (!isIdentifier(name)) throw new PythonSyntaxError(`"${name}" is no name for a group`)
      if (this.names.has(name)) throw new PythonSyntaxError(`two groups are named "${name}"`)
      this.names.set(name, group)
    }
    this.#open.add(group)
    return group
  }

  close(group: number): void {
    this.#open.delete(group)
  }

  /** Marks the groups after the first `count`: they need not have matched. */
  forgetSince(count: number): void {
    for (let group = count + 1; group <= this.count; group++) this.#unsure.add(group)
  }

  /**
   * A reference to a group. If the group has not matched, Python fails and JavaScript goes on; after a repetition the two
   * remember different rounds.
   */
  reference(group: number): string {
    if (group > this.count) throw new PythonSyntaxError(`it has no group ${group} before the reference`)
    if (this.#open.has(group)) throw new PythonSyntaxError(`group ${group} refers to itself`)
    if (this.#unsure.has(group)) {
      throw new PythonSyntaxError(
        `JavaScript reads a reference to group ${group}, which need not match or is repeated, differently`,
      )
    }
    return `(?:\\${group})`
  }

  named(name: string): string {
    const group = this.names.get(name)
    if (group === undefined) throw new PythonSyntaxError(`it has no group "${name}" before the reference`)
    return this.reference(group)
  }
}
