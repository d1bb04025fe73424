/** How many sets an address remembers: each takes room on every connection. */
const MAX = 8

/**
 * What sets said of one address, for as long as its connection lasts. A set never changes, so neither does its verdict; past
 * {@link MAX} the oldest makes room.
 */
export class Verdicts {
  readonly sets: object[] = []
  readonly texts: (string | undefined)[] = []
  #next = 0

  keep(set: object, text: string | undefined): void {
    this.sets[this.#next] = set
    this.texts[this.#next] = text
    this.#next = (this.#next + 1) % MAX
  }
}
