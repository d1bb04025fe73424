import { GlobProblem } from './glob-problem.ts'

/** The most numbers of a range. */
const MOST = 1_000

/** Expands a range as bash does: `{1..12}`, `{01..12}`, `{9..1..2}`, `{a..e}`. */
export function sequence(from: string, to: string, by: string | undefined): string[] {
  const isNumber = /\d/.test(from)
  if (isNumber !== /\d/.test(to) || (!isNumber && /[a-z]/.test(from) !== /[a-z]/.test(to)))
    throw new GlobProblem(`{${from}..${to}} is no range: its ends are not alike`)
  const [first, last] = isNumber ? [Number(from), Number(to)] : [from.charCodeAt(0), to.charCodeAt(0)]
  const step = Math.abs(Number(by ?? 1)) || 1
  const count = Math.floor(Math.abs(last - first) / step) + 1
  if (!(count <= MOST))
    throw new GlobProblem(`{${from}..${to}} has more than ${MOST} numbers: write [0-9]*, or give a RegExp`)
  const isPadded = [from, to].some(each => /^-?0\d/.test(each))
  const width = isPadded ? Math.max(from.length, to.length) : 0
  const numbers = Array.from({ length: count }, (_, i) => first + (first <= last ? i : -i) * step)
  return numbers.map(number => {
    if (!isNumber) return String.fromCharCode(number)
    const sign = number < 0 ? '-' : ''
    return sign + String(Math.abs(number)).padStart(width - sign.length, '0')
  })
}
