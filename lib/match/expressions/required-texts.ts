import { compileAutomaton, mostCharacters } from '../agents/word-automaton.ts'
import { type Expression, readExpression, type Tree } from './read-expression.ts'
import type { Work } from './work.ts'

/** The longest text, in lower case, that every match of an expression contains; empty if there is none. */
function requiredText({ tree, sets }: Expression): string {
  let longest = ''
  let run = ''
  function end(): void {
    if (run.length > longest.length) longest = run
    run = ''
  }
  function read(node: Tree): void {
    if (node.kind === 'sequence') for (const item of node.items) read(item)
    else if (node.kind === 'character') {
      const letter = sets[node.set]?.letter
      if (letter === undefined || letter > '~') end()
      else run += letter.toLowerCase()
    } else if (node.kind === 'choice' || node.kind === 'repeat') end()
  }
  read(tree)
  end()
  return longest
}

/** With no more texts than this, testing each expression is as fast. */
const FEW = 8

/** Finds which of many texts a path contains, in one pass when the first is asked for. */
export class RequiredTexts {
  readonly #numbers = new Map<string, number>()
  #characters = 0
  /** For each text the round (one for each path) in which it was last seen. */
  #seenIn = new Float64Array(0)
  #round = 0
  #path: string | undefined
  #scan: ((path: string) => number) | undefined

  /** Adds the text that an expression requires. Returns its number for {@link has}; -1 if it has none, or there is no room. */
  add(expression: RegExp): number {
    const read = readExpression(expression)
    const text = read ? requiredText(read) : ''
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    if (text === '' || this.#characters + text.length > mostCharacters) return -1
    this.#characters += text.length
    this.#numbers.set(text, this.#numbers.size)
    return this.#numbers.size - 1
  }

  /** Whether a path may contain a text. */
  has(number: number, path: string, work: Work): boolean {
    if (number < 0 || this.#numbers.size <= FEW) return true
    if (path !== this.#path) {
      if (!work.takes(path.length)) return true
      this.#scan ??= this.#compile()
      this.#round++
      this.#scan(path)
    }
    // Keeps this very string: comparing it with itself is quick, with another string of the same text slow.
    this.#path = path
    return this.#seenIn[number] === this.#round
  }

  #compile(): (path: string) => number {
    const needles = [...this.#numbers].map(([text, owner]) => ({ text, owner }))
    this.#seenIn = new Float64Array(needles.length)
    return compileAutomaton(needles, (_path, number) => {
      // When this text was first seen, so were the shorter ones that end with it.
      if (this.#seenIn[number] === this.#round) return 'none here'
      this.#seenIn[number] = this.#round
      return false
    })
  }
}
