/** A text to look for, in lower-case ASCII; it is found in any case. `owner` is the number of its pattern. */
export interface Needle {
  readonly text: string
  readonly owner: number
}

/** The most characters of all needles together: the table takes two bytes for each character and kind. */
export const mostCharacters = 65_535

const STOP = -2

/** Gives each character of the needles a kind, the same for both cases; kind 0 is every other character. */
function kindsOf(needles: readonly Needle[]): { kinds: Uint8Array; bits: number } {
  const kinds = new Uint8Array(128)
  let kind = 0
  for (const character of new Set(needles.map(({ text }) => text).join(''))) {
    kinds[character.charCodeAt(0)] = ++kind
    kinds[character.toUpperCase().charCodeAt(0)] = kind
  }
  return { kinds, bits: 32 - Math.clz32(kind) }
}

/** Builds the transitions, the longest proper suffix of each state that is a state too, and the state in which each needle ends. */
function build(needles: readonly Needle[], kinds: Uint8Array, bits: number) {
  const most = needles.reduce((sum, { text }) => sum + text.length, 1)
  const next = new Uint16Array(most << bits)
  const suffix = new Uint16Array(most)
  const reached = new Uint16Array(needles.length)
  let states = 1
  // Level by level: the states in most use lie together, and the row of a state's suffix is complete before it is copied.
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

/** Whether a needle counts at a place. `none here`: no other needle that ends there does; `none behind`: none from there on does. */
export type Counts = boolean | 'none here' | 'none behind'

/**
 * Compiles needles into an automaton that looks for all of them in one pass (Aho and Corasick, 1975). Calls `counts` at each
 * place where a needle ends, also for needles within needles. Returns the owner of the first needle that counts, or -1.
 */
export function compileAutomaton(
  needles: readonly Needle[],
  counts: (text: string, owner: number, end: number) => Counts,
): (text: string) => number {
  const { kinds, bits } = kindsOf(needles)
  const { next, suffix, reached, states } = build(needles, kinds, bits)
  /** A list for each state: the number of a needle that ends there, then of the next one that ends there too; 0 ends it. */
  const head = new Uint16Array(states)
  const another = new Uint16Array(needles.length + 1)
  for (let number = needles.length; number > 0; number--) {
    const state = reached[number - 1] as number
    another[number] = head[state] as number
    head[state] = number
  }
  /** For each state the longest suffix, itself included, in which a needle ends; 0 if there is none. */
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

/** Takes its tables as arguments: V8 then loads the address of each once a text. From a closure it would do so for each character. */
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
    // The hot loop: no call in it.
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
