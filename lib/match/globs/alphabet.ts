import { decodePath } from '../paths/request-path.ts'
import { caseVariants, foldCase } from './case-fold.ts'
import { type CodeRange, classOf, complement, LAST, pairsOf, union, within } from './code-ranges.ts'
import { decodeBeyond } from './percent-encoding.ts'

/** Writes the characters of a glob as they occur in one kind of path: as sent, decoded, or folded. */
export interface Alphabet {
  /** The expression of a plain text. */
  text(text: string): string
  /** The expression of a text within `!(…)`. It matches every spelling of the text. */
  excluded(text: string): string
  /** The expression of any one character. */
  readonly any: string
  class(ranges: readonly CodeRange[], isNegated: boolean): string
}

const at = (character: string): CodeRange => [character.charCodeAt(0), character.charCodeAt(0)]
const surrogates: CodeRange = [0xd800, 0xdfff]
const beyond: CodeRange = [0x80, LAST]

const escapeText = (text: string) => text.replace(/[!-,.:-@[-^`{-}/]/g, '\\$&')
const oneOf = (ways: readonly string[]) => (ways.length === 1 ? (ways[0] as string) : `(?:${ways.join('|')})`)
const hexOf = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
const characters = (ranges: readonly CodeRange[]) =>
  ranges.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)),
  )

/** Characters that some clients encode, and others do not. */
const encodedBySome = '"<>^`{|}[]'

const sentCharacter = (character: string) =>
  character === ' '
    ? '%20'
    : encodedBySome.includes(character)
      ? `(?:${escapeText(character)}|${hexOf(character)})`
      : escapeText(character)

/** Matches every spelling that an app may read as the text. */
function excludedText(text: string, caseSensitive: boolean): string {
  const write = (each: string) => [escapeText(each), ...(/^[ -~]$/.test(each) ? [hexOf(each)] : [])]
  return Array.from(decodePath(text) ?? text, character => {
    const variants = caseSensitive ? [character] : caseVariants(character)
    const forms = variants.flatMap(each => [each, each.normalize('NFC'), each.normalize('NFD')])
    return oneOf([...new Set(forms.flatMap(write))])
  }).join('')
}

/** Not before an escape: ESCAPE matches escapes as the character that they stand for. */
const NO_ESCAPE = '(?!%[0-9A-F]{2})'
/** The escape of an ASCII character that no program reads as a separator. */
const ESCAPE = '%(?:2[0-9A-E]|5[0-9ABD-F]|[3467][0-9A-F])'
const PAIR = String.raw`[\ud800-\udbff][\udc00-\udfff]`

const classesOf = (ranges: readonly CodeRange[], isNegated: boolean): string[] =>
  isNegated
    ? [NO_ESCAPE + classOf(union([...ranges, at('/'), surrogates]), true), ...pairsOf(complement(ranges))]
    : [classOf(ranges), ...pairsOf(ranges)]

/** Paths as the client sends them, with characters beyond ASCII decoded. A wildcard matches a whole escape, but none of a separator. */
export const sentAlphabet = (caseSensitive: boolean): Alphabet => ({
  text: text =>
    decodeBeyond(text).replace(/%[0-9A-F]{2}|./gsu, found =>
      found.length === 3 ? found : sentCharacter(found),
    ),
  excluded: text => excludedText(text, caseSensitive),
  any: oneOf(['[^/]', PAIR, ESCAPE]),
  class(ranges, isNegated) {
    const ascii = characters(within(ranges, 0x20, 0x7e))
    if (!isNegated) {
      const escaped = ascii.filter(each => each === ' ' || encodedBySome.includes(each))
      return oneOf([...classesOf(ranges, false), ...escaped.map(hexOf)])
    }
    const left = new Set(ascii.flatMap(each => (caseSensitive ? [each] : caseVariants(each))).map(hexOf))
    return oneOf([...classesOf(ranges, true), (left.size > 0 ? `(?!${[...left].join('|')})` : '') + ESCAPE])
  },
})

/** A class with more characters is not folded. */
const MOST_FOLDED = 70_000

const isOne = (text: string) => [...text].length === 1
const rangesOf = (texts: readonly string[]) =>
  texts.filter(isOne).map((text): CodeRange => [text.codePointAt(0) as number, text.codePointAt(0) as number])

/** Paths decoded, then folded with `fold`. */
function decodedAlphabet(caseSensitive: boolean, fold: (text: string) => string): Alphabet {
  const read = (text: string) => fold(decodePath(text) ?? text)
  return {
    text: text => escapeText(read(text)),
    excluded: text => excludedText(read(text), caseSensitive),
    any: oneOf(['[^/]', PAIR]),
    class(ranges, isNegated) {
      const others = within(ranges, ...beyond)
      const count = others.reduce((sum, [from, to]) => sum + to - from + 1, 0)
      if (count === 0 || count > MOST_FOLDED) return oneOf(classesOf(ranges, isNegated))
      const folded = characters(others).map(fold)
      const classes = classesOf(union([...within(ranges, 0, 0x7f), ...rangesOf(folded)]), isNegated)
      const several = folded.filter(each => !isOne(each)).map(escapeText)
      return oneOf(isNegated ? classes : [...classes, ...new Set(several)])
    },
  }
}

/** The alphabets of all readings of a path that an app may make. */
export const alphabets = (caseSensitive: boolean): readonly Alphabet[] => [
  sentAlphabet(caseSensitive),
  decodedAlphabet(caseSensitive, text => text),
  decodedAlphabet(caseSensitive, text =>
    /^[\x00-\x7f]*$/.test(text) ? text : foldCase(text, caseSensitive),
  ),
]
