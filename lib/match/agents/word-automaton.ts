/** What is looked for, in lower-case ASCII and found in any case, and whose it is. */
export interface Needle {
  readonly text: string
  readonly owner: number
}

/** The most characters of all needles together: the table takes two bytes for each of them and each kind of character. */
export const mostCharacters = 65_535

const STOP = -2

/** Each character of the needles is a kind of its own, in either case the same one; kind 0 is all the others. */
function kindsOf(needles: readonly Needle[]): { kinds: Uint8Array; bits: number } {
  const kinds = new Uint8Array(128)
  let kind = 0
  for (const character of new Set(needles.map(({ text }) => text).join(''))) {
    kinds[character.charCodeAt(0)] = ++kind
    kinds[character.toUpperCase().charCodeAt(0)] = kind
  }
  return { kinds, bits: 32 - Math.clz32(kind) }
}

/** The transitions, the longest suffix of each state that is a state too, and the state in which each needle ends. */
function build(needles: readonly Needle[], kinds: Uint8Array, bits: number) {
  const most = needles.reduce((sum, { text }) => sum + text.length, 1)
  const next = new Uint16Array(most << bits)
  const suffix = new Uint16Array(most)
  const reached = new Uint16Array(needles.length)
  let states = 1
  // A level at a time: the states most in use lie together, and the rows of suffixes are there to be copied.
  for (let depth = 0, first = 0; first < states; depth++) {
    first = states
    for (let index = 0; index < needles.length; index++) {
      const { text } = needles[index] as Needle
      if (depth >= text.length) continue
      const slot = ((reached[index] as number) << bits) | (kinds[text.charCodeAt(depth)] as number)
      if ((next[slot] as number) < first) {
        suffix[states] = next[slot] as number
        next[slot] = states++
      }
      reached[index] = next[slot] as number
    }
    for (let state = first; state < states; state++) {
      const row = (suffix[state] as number) << bits
      next.copyWithin(state << bits, row, row + (1 << bits))
    }
  }
  return { next, suffix, reached, states }
}

/** Whether a needle counts at a place; or no shorter one that ends there, or none from there on, is to be asked about. */
export type Counts = boolean | 'none here' | 'none behind'

/**
 * Looks for all needles in one pass (Aho and Corasick, 1975). Asks of each place where one ends, needles within needles
 * included, whether it counts, and returns the owner of the first that does.
 */
export function compileAutomaton(
  needles: readonly Needle[],
  counts: (text: string, owner: number, end: number) => Counts,
): (text: string) => number {
  const { kinds, bits } = kindsOf(needles)
  const { next, suffix, reached, states } = build(needles, kinds, bits)
  /** The number of a needle that ends in a state, and that of another one that ends there too; 0 is none. */
  const head = new Uint16Array(states)
  const another = new Uint16Array(needles.length + 1)
  for (let number = needles.length; number > 0; number--) {
    const state = reached[number - 1] as number
    another[number] = head[state] as number
    head[state] = number
  }
  /** The state itself, or else its longest suffix, where a needle ends; 0 if none does. */
  const ending = new Uint16Array(states)
  for (let state = 1; state < states; state++) {
    ending[state] = head[state] === 0 ? (ending[suffix[state] as number] as number) : state
  }

  function ownerAt(text: string, end: number, from: number): number {
    for (let state = from; state !== 0; state = ending[suffix[state] as number] as number) {
      for (let number = head[state] as number; number !== 0; number = another[number] as number) {
        const { owner } = needles[number - 1] as Needle
        const found = counts(text, owner, end)
        if (found === true) return owner
        if (found !== false) return found === 'none here' ? -1 : STOP
      }
    }
    return -1
  }

  return text => walk(text, kinds, next, bits, ending, ownerAt)
}

/** Apart from what it reads, as V8 then reads where each table lies once a text and not once a character. */
function walk(
  text: string,
  kinds: Uint8Array,
  next: Uint16Array,
  bits: number,
  ending: Uint16Array,
  ownerAt: (text: string, end: number, state: number) => number,
): number {
  const { length } = text
  let state = 0
  let at = 0
  for (;;) {
    let end = 0
    // A loop of its own, without a call in it.
    while (end === 0) {
      if (at === length) return -1
      const code = text.charCodeAt(at++)
      state = next[(state << bits) | (code < 128 ? (kinds[code] as number) : 0)] as number
      end = ending[state] as number
    }
    const owner = ownerAt(text, at, end)
    if (owner !== -1) return owner === STOP ? -1 : owner
  }
}
