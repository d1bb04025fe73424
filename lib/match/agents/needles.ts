type Strings = readonly string[]

/** What is known of the texts that a part of an expression matches: each is one of `exact`, and each contains one of `needles`. */
interface Part {
  readonly exact?: Strings | undefined
  readonly needles?: Strings | undefined
}

/** The most needles of one expression. */
const most = 16

/** The tokens of an expression's source. A run of plain characters ends before a character that has a quantifier. */
const tokens = /* @__PURE__ */ makeTokens()

function makeTokens(): RegExp {
  return new RegExp(
    [
      /[\w !"#%&',\-:;<=>@`~]+(?![?*+{])/,
      /[?*+]\??|\{\d+(?:,\d*)?\}\??/,
      /\[(?:[^\]\\]|\\.)*\]/,
      /\((?:\?(?:<?[=!]|<[^>]*>|[a-z-]*:))?/,
      /\\(?:c[a-z]|x[\da-f]{2}|u[\da-f]{4}|\d+|.)/,
      /./,
    ]
      .map(({ source }) => source)
      .join('|'),
    'gis',
  )
}

const anything: Part = {}
const exactly = (exact: Strings | undefined): Part => ({ exact, needles: exact })
const worth = (needles: Strings | undefined) =>
  needles ? Math.min(...needles.map(({ length }) => length)) : 0
const better = (a: Strings | undefined, b: Strings | undefined) => (worth(b) > worth(a) ? b : a)

function bounded(strings: readonly string[]): Strings | undefined {
  const distinct = [...new Set(strings)]
  return distinct.length > most ? undefined : distinct
}

const union = (a: Strings | undefined, b: Strings | undefined) => a && b && bounded([...a, ...b])
const product = (a: Strings, b: Strings | undefined) =>
  b && (a.length * b.length > most ? undefined : bounded(a.flatMap(head => b.map(tail => head + tail))))

function repeated(part: Part, quantifier: string): Part {
  if (quantifier.startsWith('?')) return { exact: union(part.exact, ['']) }
  return /^(?:\*|\{0)/.test(quantifier) ? anything : { needles: part.needles }
}

/** Reads a token that is no group. An assertion matches the empty text, so the texts on both sides of it are joined. */
function single(token: string): Part {
  const first = token[0] as string
  if (first === '\\') {
    if (/^\\[ -/:-@[-`{-~]$/.test(token)) return exactly([token[1] as string])
    return /^\\b$/i.test(token) ? exactly(['']) : anything
  }
  if (first === '^' || first === '$') return exactly([''])
  if (first === '[' && /^\[[\w ]+\]$/.test(token))
    return exactly(bounded([...token.slice(1, -1).toLowerCase()]))
  return first === '[' || first === '.' || first > '~' ? anything : exactly([token.toLowerCase()])
}

/** The one string that an expression without flags matches; undefined if it is not plain ASCII. */
export function literalOf({ source, flags }: RegExp): string | undefined {
  const isLiteral = flags === '' && /^(?:[\w !"#%&',\-:;<=>@`~]|\\[ -/:-@[-`{-~])+$/.test(source)
  return isLiteral ? source.replace(/\\(.)/g, '$1') : undefined
}

/**
 * ASCII strings in lower case. Every text that the expression matches contains one of them, in some case; undefined if no such
 * strings can be found. A text without any of them can't match; a text with one may.
 */
export function needlesOf({ source, flags }: RegExp): Strings | undefined {
  // Not read: sets of classes (v); "ſ" and "K" as other cases of "s" and "k" (iu); the name after \k.
  if (/[uv]/.test(flags) || source.includes('\\k')) return undefined
  const rest = (source.match(tokens) ?? []).reverse()
  // Each group is a recursion.
  if (rest.filter(token => token.startsWith('(')).length > 100) return undefined

  function alternatives(): Part {
    let { exact, needles } = sequence()
    while (rest.at(-1) === '|') {
      rest.pop()
      const next = sequence()
      exact = union(exact, next.exact)
      needles = union(needles, next.needles)
    }
    rest.pop()
    return { exact, needles }
  }

  function sequence(): Part {
    let run: Strings = ['']
    let needles: Strings | undefined
    let isExact = true
    while (rest.length > 0 && rest.at(-1) !== '|' && rest.at(-1) !== ')') {
      const part = term()
      const longer = product(run, part.exact)
      if (!longer) {
        isExact = false
        needles = better(better(needles, run), part.needles)
      }
      run = longer ?? ['']
    }
    return isExact ? exactly(run) : { needles: better(needles, run) }
  }

  function term(): Part {
    const token = rest.pop() as string
    const isGroup = token.startsWith('(')
    const inner = isGroup ? alternatives() : single(token)
    const part = /^\(\?<?[=!]/.test(token) ? exactly(['']) : inner
    return /^(?:[?*+]|\{.)/.test(rest.at(-1) ?? '') ? repeated(part, rest.pop() as string) : part
  }

  const { needles } = alternatives()
  return worth(needles) > 0 ? needles : undefined
}
