import { decodePath } from '../paths/request-path.ts'
import { caseVariants, foldCase } from './case-fold.ts'
import { type CodeRange, classOf, complement, LAST, pairsOf, union, within } from './code-ranges.ts'
import { decodeBeyond } from './percent-encoding.ts'

/** The characters of a glob as the paths of one kind have them: as sent, decoded, folded. */
export interface Alphabet {
  /** The expression of a plain text. */
  text(text: string): string
  /** The expression of a text within `!(…)`: it matches each spelling of the text. */
  excluded(text: string): string
  /** Of one character. */
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

/** What some clients send encoded, and some do not. */
const encodedBySome = '"<>^`{|}[]'

const sentCharacter = (character: string) =>
  character === ' '
    ? '%20'
    : encodedBySome.includes(character)
      ? `(?:${escapeText(character)}|${hexOf(character)})`
      : escapeText(character)

/** Each way to write a text that an app may take for it. */
function excludedText(text: string, caseSensitive: boolean): string {
  const write = (each: string) => [escapeText(each), ...(/^[ -~]$/.test(each) ? [hexOf(each)] : [])]
  return Array.from(decodePath(text) ?? text, character => {
    const variants = caseSensitive ? [character] : caseVariants(character)
    const forms = variants.flatMap(each => [each, each.normalize('NFC'), each.normalize('NFD')])
    return oneOf([...new Set(forms.flatMap(write))])
  }).join('')
}

/** No escape begins there: as what it stands for it is asked about elsewhere. */
const NO_ESCAPE = '(?!%[0-9A-F]{2})'
/** The escape of a character of ASCII that is no separator to anybody. */
const ESCAPE = '%(?:2[0-9A-E]|5[0-9ABD-F]|[3467][0-9A-F])'
const PAIR = String.raw`[\ud800-\udbff][\udc00-\udfff]`

const classesOf = (ranges: readonly CodeRange[], isNegated: boolean): string[] =>
  isNegated
    ? [NO_ESCAPE + classOf(union([...ranges, at('/'), surrogates]), true), ...pairsOf(complement(ranges))]
    : [classOf(ranges), ...pairsOf(ranges)]

/** As the client sends it, with what is beyond ASCII decoded. A wildcard takes an escape whole, but no separator's. */
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

/** More characters than these in a class are taken as they are. */
const MOST_FOLDED = 70_000

const isOne = (text: string) => [...text].length === 1
const rangesOf = (texts: readonly string[]) =>
  texts.filter(isOne).map((text): CodeRange => [text.codePointAt(0) as number, text.codePointAt(0) as number])

/** Decoded, and as `fold` has it. */
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

/** Each way in which an app may read a path. */
export const alphabets = (caseSensitive: boolean): readonly Alphabet[] => [
  sentAlphabet(caseSensitive),
  decodedAlphabet(caseSensitive, text => text),
  decodedAlphabet(caseSensitive, text =>
    /^[\x00-\x7f]*$/.test(text) ? text : foldCase(text, caseSensitive),
  ),
]
