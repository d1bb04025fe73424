/** One step of a pattern: a letter, a digit of a UUID, or the characters of a converter, one or more of them. */
export interface PathItem {
  /** Whether it matches the character of a code point. */
  has(code: number): boolean
  /** One or more. */
  readonly isLoop: boolean
  /** A number, which Python must be able to read. */
  readonly isNumber: boolean
}

/** A Python that is up to date refuses to read a longer number (`sys.get_int_max_str_digits`). */
export const MAX_DIGITS = 4300

const ASCII = 128

/** For each place in the path that was read last, some words: a bit for each item from which the rest of the path matches. */
let trail = /* @__PURE__ */ new Uint32Array(1_024)

/**
 * Compiles the items of a pattern to a function that returns where in a path, from `from` on, Django's expression would end
 * (each converter takes as much as it can), or -1. The function reads the path once, from its end, whatever the path holds; an
 * expression tries all ways to share the path out among the converters.
 *
 * @param isWhole whether the match has to end with the path
 */
export function compilePathItems(
  items: readonly PathItem[],
  isWhole: boolean,
): (path: string, from: number) => number {
  const matcher = new ItemMatcher(items, isWhole)
  const readsNumbers = items.some(({ isNumber }) => isNumber)
  return (path, from) => {
    if (!matcher.fill(path, from)) return -1
    const isShort = path.length - from <= MAX_DIGITS
    return isWhole && (isShort || !readsNumbers) ? path.length : matcher.follow(path, from)
  }
}

/** Fills the trail for a path, and follows it. */
class ItemMatcher {
  readonly items: readonly PathItem[]
  readonly isWhole: boolean
  /** Words for each place of the trail. */
  readonly width: number
  readonly tables: ReturnType<typeof makeTables>

  constructor(items: readonly PathItem[], isWhole: boolean) {
    this.items = items
    this.isWhole = isWhole
    this.width = (items.length >> 5) + 1
    this.tables = makeTables(items, this.width)
  }

  /** Fills the trail; false where nothing matches at `from`. */
  fill(path: string, from: number): boolean {
    const { width } = this
    const { ends } = this.tables
    const { length } = path
    if (trail.length < (length + 1) * width) trail = new Uint32Array((length + 1) * width * 2)
    const isKnown = width === 1 ? this.fillPlain(path, from) : undefined
    if (isKnown !== undefined) return isKnown
    for (let word = 0; word < width; word++) trail[length * width + word] = ends[word] as number
    for (let end = length; end > from; ) {
      const at = end - sizeBefore(path, end, from)
      if (!this.fillAt(at, end, path.codePointAt(at) as number)) return false
      end = at
    }
    return ((trail[from * width] as number) & 1) === 1
  }

  /** As `fill`, where one word will do; undefined where a character is beyond ASCII. */
  fillPlain(path: string, from: number): boolean | undefined {
    const bits = trail
    const { ascii, loops, ends } = this.tables
    const loop = loops[0] as number
    const end = ends[0] as number
    const kept = this.isWhole ? 0 : end
    let here = end
    bits[path.length] = here
    for (let at = path.length - 1; at >= from; at--) {
      const code = path.charCodeAt(at)
      if (code >= ASCII) return undefined
      here = (((here >>> 1) | (here & loop)) & (ascii[code] as number)) | kept
      if (here === 0) return false
      bits[at] = here
    }
    return (here & 1) === 1
  }

  /** Fills one place of the trail by the one behind its character; false where nothing matches from it. */
  fillAt(at: number, end: number, code: number): boolean {
    const bits = trail
    const { width } = this
    const { ascii, beyond, loops, ends } = this.tables
    const members = code < ASCII ? ascii : beyond(code)
    const row = code < ASCII ? code * width : 0
    let any = 0
    for (let word = 0; word < width; word++) {
      const behind = bits[end * width + word] as number
      const carried = word + 1 < width ? (bits[end * width + word + 1] as number) << 31 : 0
      const follows = (behind >>> 1) | carried | (behind & (loops[word] as number))
      const here = (follows & (members[row + word] as number)) | (this.isWhole ? 0 : (ends[word] as number))
      bits[at * width + word] = here
      any |= here
    }
    return any !== 0
  }

  /** The place where the items end; -1 where one of them is a number that can't be read. */
  follow(path: string, from: number): number {
    let at = from
    for (const [index, { isLoop, isNumber }] of this.items.entries()) {
      const start = at
      at += sizeAt(path, at)
      if (!isLoop) continue
      let end = this.matches(at, index + 1) ? at : -1
      while (at < path.length && this.takes(index, path.codePointAt(at) as number)) {
        at += sizeAt(path, at)
        if (this.matches(at, index + 1)) end = at
      }
      if (isNumber && end - start > MAX_DIGITS) return -1
      at = end
    }
    return at
  }

  /** Whether the rest of the path matches there from an item on. */
  matches(at: number, item: number): boolean {
    return (((trail[at * this.width + (item >> 5)] as number) >>> (item & 31)) & 1) === 1
  }

  takes(item: number, code: number): boolean {
    if (code >= ASCII) return (this.items[item] as PathItem).has(code)
    return (((this.tables.ascii[code * this.width + (item >> 5)] as number) >>> (item & 31)) & 1) === 1
  }
}

/** The size of a character: Python counts code points, and some are two units of JavaScript's. */
const sizeAt = (path: string, at: number) => ((path.codePointAt(at) as number) > 0xffff ? 2 : 1)

function sizeBefore(path: string, end: number, from: number): number {
  const code = path.charCodeAt(end - 1)
  return code >= 0xdc00 && code < 0xe000 && end - 2 >= from ? sizeAt(path, end - 2) : 1
}

function makeTables(items: readonly PathItem[], width: number) {
  const loops = new Uint32Array(width)
  const ends = new Uint32Array(width)
  ends[items.length >> 5] = 1 << (items.length & 31)
  const mark = (into: Uint32Array, at: number, item: number) => {
    into[at + (item >> 5)] = (into[at + (item >> 5)] as number) | (1 << (item & 31))
  }
  const ascii = new Uint32Array(ASCII * width)
  for (const [index, { has, isLoop }] of items.entries()) {
    if (isLoop) mark(loops, 0, index)
    for (let code = 0; code < ASCII; code++) if (has(code)) mark(ascii, code * width, index)
  }
  const known = new Map<number, Uint32Array>()
  function beyond(code: number): Uint32Array {
    const found = known.get(code)
    if (found) return found
    const members = new Uint32Array(width)
    for (const [index, { has }] of items.entries()) if (has(code)) mark(members, 0, index)
    if (known.size >= 1_000) known.clear()
    known.set(code, members)
    return members
  }
  return { ascii, beyond, loops, ends }
}
