/**
 * What a glob means, said as plainly as can be: braces are expanded as text, then every way to share out the path is tried.
 * It is for short globs and paths.
 */
export interface GlobReading {
  readonly caseSensitive: boolean
  /** Whether ASCII may stand in the path percent-encoded. */
  readonly isEncoded: boolean
}

/** The end of the group, class or escape that begins at a place; -1 where there is none. */
function endOf(text: string, at: number): number {
  const [open, close] = text[at] === '{' ? ['{', '}'] : ['(', ')']
  for (let i = at, depth = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '[') i = classEnd(text, i)
    else if (text[i] === open) depth++
    else if (text[i] === close && --depth === 0) return i
  }
  return -1
}

function classEnd(text: string, at: number): number {
  let i = at + (/[!^]/.test(text[at + 1] ?? '') ? 2 : 1)
  if (text[i] === ']') i++
  while (text[i] !== ']') {
    if (text[i] === undefined) throw new Error(`no end of a class: ${text}`)
    if (text[i] === '\\') i++
    else if (text.startsWith('[:', i)) i = text.indexOf(':]', i) + 1
    i++
  }
  return i
}

/** The parts between separators that stand in no group. */
function split(text: string, separator: string): string[] {
  const parts = ['']
  const add = (more: string) => parts.push((parts.pop() as string) + more)
  for (let i = 0; i < text.length; i++) {
    const end =
      text[i] === '\\'
        ? i + 1
        : text[i] === '['
          ? classEnd(text, i)
          : /[{(]/.test(text[i] as string)
            ? endOf(text, i)
            : i
    if (text[i] === separator) parts.push('')
    else add(text.slice(i, end + 1))
    i = end
  }
  return parts
}

function rangeOf(body: string): string[] | undefined {
  const [, from = '', to = '', by = '1'] =
    /^(-?\d+|[a-zA-Z])\.\.(-?\d+|[a-zA-Z])(?:\.\.(-?\d+))?$/.exec(body) ?? []
  if (from === '') return undefined
  const isLetters = /[a-z]/i.test(from)
  const [low, high] = isLetters ? [from.charCodeAt(0), to.charCodeAt(0)] : [Number(from), Number(to)]
  const step = Math.abs(Number(by)) || 1
  const found: string[] = []
  for (let i = low; low <= high ? i <= high : i >= high; i += low <= high ? step : -step) {
    const width = /^-?0\d/.test(from) || /^-?0\d/.test(to) ? Math.max(from.length, to.length) : 0
    const digits = String(Math.abs(i)).padStart(width - (i < 0 ? 1 : 0), '0')
    found.push(isLetters ? String.fromCharCode(i) : (i < 0 ? '-' : '') + digits)
  }
  return found
}

interface Choice {
  readonly start: number
  readonly end: number
  readonly items: readonly string[]
}

/** The alternatives of the group whose bracket stands at a place; none in parentheses that are themselves. */
function choiceAt(glob: string, open: number): Choice | undefined {
  const end = endOf(glob, open)
  const body = glob.slice(open + 1, end)
  if (glob[open] === '{') return { start: open, end, items: rangeOf(body) ?? split(body, ',') }
  const sign = /[@?]/.test(glob[open - 1] ?? '') ? (glob[open - 1] as string) : ''
  const items = split(body, '|')
  if (sign === '' && items.length === 1) return undefined
  return { start: open - sign.length, end, items: sign === '?' ? [...items, ''] : items }
}

function firstChoice(glob: string): Choice | undefined {
  for (let i = 0; i < glob.length; i++) {
    const character = glob[i] as string
    if (character === '\\') i++
    else if (character === '[') i = classEnd(glob, i)
    else if (/[+*!]/.test(character) && glob[i + 1] === '(') i = endOf(glob, i + 1)
    else if (character === '{' || character === '(') {
      const found = choiceAt(glob, i)
      if (found) return found
      i = endOf(glob, i)
    }
  }
  return undefined
}

/** Stars in a group, which make no `**` there or with stars beside it; `**` beside a slash is what it is. */
const inGroup = (item: string) =>
  item.replace(/(?<!\\)\*+(?!\()/g, stars => (item.includes('/') && stars === '**' ? stars : '***'))

/** Braces, and groups of alternatives, as text. */
export function expandGlob(glob: string): string[] {
  const found = firstChoice(glob)
  if (!found) return [glob]
  const [before, after] = [glob.slice(0, found.start), glob.slice(found.end + 1)]
  if (glob[found.end] === '}') return found.items.flatMap(item => expandGlob(before + item + after))
  const [outer, others] = [before.replace(/(?<!\\)\*+$/, '***'), after.replace(/^\*+(?!\()/, '***')]
  return found.items.flatMap(item => expandGlob(outer + inGroup(item) + others))
}

const posix: Record<string, RegExp> = {
  alpha: /\p{Alphabetic}/u,
  digit: /\d/,
  alnum: /[\p{Alphabetic}\d]/u,
  upper: /[A-Z]/,
  lower: /[a-z]/,
  xdigit: /[\da-f]/i,
  punct: /[!-.:-@[-`{-~]/,
  space: / /,
}

const isBetween = (...texts: [string, string, string]) => {
  const [code = 0, from = 0, to = 0] = texts.map(text => text.codePointAt(0))
  return from <= code && code <= to
}

/** Whether a class, without its brackets, has a character. */
function hasCharacter(body: string, character: string, isNocase: boolean): boolean {
  const isNegated = /^[!^]/.test(body)
  const inside = [...(isNegated ? body.slice(1) : body)]
  const ways = isNocase ? [character, character.toLowerCase(), character.toUpperCase()] : [character]
  let found = false
  while (inside.length > 0) {
    const name = /^\[:(\w+):\]/.exec(inside.join(''))
    if (name) {
      inside.splice(0, name[0].length)
      found ||= ways.some(way => posix[name[1] as string]?.test(way))
      continue
    }
    const next = () =>
      (inside[0] === '\\' && inside.length > 1 ? inside.splice(0, 2)[1] : inside.shift()) as string
    const from = next()
    let to = from
    if (inside[0] === '-' && inside.length > 1) {
      inside.shift()
      to = next()
    }
    found ||= ways.some(way => isBetween(way, from, to))
  }
  return found !== isNegated
}

interface Unit {
  readonly length: number
  readonly character: string
  readonly isEscape: boolean
}

const encodedBySome = /[ "<>^`{|}[\]]/
const isEscapeOf = (text: string) => /^%[2-7][0-9A-F]$/.test(text)

/** The characters that may stand at a place of a path for one of a glob: as they stand there, and what they mean. */
function unitsAt(path: string, at: number, end: number, isEncoded: boolean): Unit[] {
  const raw = String.fromCodePoint(path.codePointAt(at) as number)
  const units: Unit[] = [{ length: raw.length, character: raw, isEscape: false }]
  const text = path.slice(at, Math.min(at + 3, end))
  if (isEncoded && isEscapeOf(text) && !/%2F|%5C/.test(text))
    units.push({ length: 3, character: decodeURIComponent(text), isEscape: true })
  return units
}

/** How a plain character may stand in a path. */
function waysOf(character: string, isEncoded: boolean): string[] {
  const encoded = `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  if (!isEncoded || !encodedBySome.test(character)) return [character]
  return character === ' ' ? [encoded] : [character, encoded]
}

export function globMatches(glob: string, path: string, { caseSensitive, isEncoded }: GlobReading): boolean {
  const fold = (text: string) => (caseSensitive ? text : text.toLowerCase())
  const isStart = (at: number) => at === 0 || path[at - 1] === '/'

  /** Whether a pattern takes the path from a place to another. */
  function matches(pattern: string, at: number, end: number): boolean {
    const first = pattern[0]
    if (first === undefined) return at === end
    if (/[+*!]/.test(first) && pattern[1] === '(') return group(first, pattern, at, end)
    if (first === '*') return stars(pattern, at, end)
    if (at === end) return false
    if (first === '?' || first === '[') return one(pattern, at, end)
    const escaped = first === '\\'
    const character = String.fromCodePoint(pattern.codePointAt(escaped ? 1 : 0) as number)
    const rest = pattern.slice((escaped ? 1 : 0) + character.length)
    const ways = waysOf(character, isEncoded)
    return ways.some(
      way =>
        fold(path.slice(at, Math.min(at + way.length, end))) === fold(way) &&
        matches(rest, at + way.length, end),
    )
  }

  /** Up to the end of the segment, or of what is asked about. */
  function ends(at: number, end: number): number[] {
    const slash = path.indexOf('/', at)
    const last = slash < 0 || slash > end ? end : slash
    return Array.from({ length: last - at + 1 }, (_, i) => at + i)
  }

  function stars(pattern: string, at: number, end: number): boolean {
    const count = /^\*+?(?=\*\(|[^*]|$)/.exec(pattern)?.[0].length ?? 1
    const rest = pattern.slice(count)
    if (isStart(at) && (path[at] === '.' || ends(at, end).length === 1)) return false
    return ends(at, end).some(to => matches(rest, to, end))
  }

  function one(pattern: string, at: number, end: number): boolean {
    const close = pattern[0] === '[' ? classEnd(pattern, 0) : 0
    const body = pattern.slice(1, close)
    if (path[at] === '/' || (isStart(at) && path[at] === '.')) return false
    return unitsAt(path, at, end, isEncoded)
      .filter(unit => close === 0 || isInClass(body, unit, path.slice(at, at + 3)))
      .some(({ length }) => matches(pattern.slice(close + 1), at + length, end))
  }

  function isInClass(body: string, { character, isEscape }: Unit, text: string): boolean {
    // Of a negation a `%` alone is none: it is the beginning of something else.
    if (/^[!^]/.test(body) ? !isEscape && isEscapeOf(text) : isEscape && !encodedBySome.test(character))
      return false
    return hasCharacter(body, character, !caseSensitive)
  }

  function group(sign: string, pattern: string, at: number, end: number): boolean {
    const close = endOf(pattern, 1)
    const items = split(pattern.slice(2, close), '|').flatMap(expandGlob)
    const rest = pattern.slice(close + 1)
    const takes = (to: number) => items.some(item => matches(item, at, to))
    if (sign === '!') {
      if (isStart(at) && path[at] === '.') return false
      const segment = ends(at, end)
      return segment.some(to => !leftOut(items, at, to) && matches(rest, to, end))
    }
    if (sign === '*' && matches(rest, at, end)) return true
    return ends(at, end).some(
      to => takes(to) && (matches(rest, to, end) || (to > at && group('+', `+${pattern.slice(1)}`, to, end))),
    )
  }

  /** In whatever spelling. */
  function leftOut(items: readonly string[], at: number, to: number): boolean {
    const text = path.slice(at, to)
    const spellings = isEncoded
      ? [text, text.replace(/%[2-7][0-9A-F]/g, each => decodeURIComponent(each))]
      : [text]
    return spellings.some(each =>
      items.some(item => globMatches(`x${item}`, `x${each}`, { caseSensitive, isEncoded })),
    )
  }

  /** Segment by segment. */
  function segments(patterns: readonly string[], at: number): boolean {
    const [pattern, ...rest] = patterns
    if (pattern === undefined) return at > path.length
    if (at > path.length) return patterns.every(each => each === '**')
    const slash = path.indexOf('/', at)
    const end = slash < 0 ? path.length : slash
    if (pattern === '**') {
      if (rest.length === 0 && (at === path.length || !/(?:^|\/)\./.test(path.slice(at)))) return true
      if (rest.length > 0 && segments(rest, at)) return true
      return path[at] !== '.' && slash >= 0 && segments(patterns, end + 1)
    }
    return matches(pattern, at, end) && segments(rest, end + 1)
  }

  return expandGlob(glob).some(each => {
    const patterns = split(each, '/')
    if (!each.includes('/') && !/^\*\*$/.test(each)) return matches(each, 0, path.length)
    if (patterns[0] === '**') return segments(patterns, 1)
    return patterns[0] === '' && path.startsWith('/') && segments(patterns.slice(1), 1)
  })
}
