/** Sets that one address remembers. Each takes memory on every connection. */
const MAX = 8

/**
 * What sets of addresses answered for one address, kept while its connection lasts. A set never changes, so an answer stays
 * right; after {@link MAX} sets the oldest is overwritten.
 */
export class SetMemo {
  readonly sets: object[] = []
  readonly texts: (string | undefined)[] = []
  #next = 0

  keep(set: object, text: string | undefined): void {
    this.sets[this.#next] = set
    this.texts[this.#next] = text
    this.#next = (this.#next + 1) % MAX
  }
}
