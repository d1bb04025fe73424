import { compileAutomaton, mostCharacters } from '../agents/word-automaton.ts'
import { type Expression, readExpression, type Tree } from './read-expression.ts'
import type { Work } from './work.ts'

/** The longest text, in lower case, that stands in all that an expression matches; empty where there is none. */
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

/** As few as these are asked as quickly. */
const FEW = 8

/** Which of many texts stand in a path, found in one pass when the first is asked for. */
export class RequiredTexts {
  readonly #numbers = new Map<string, number>()
  #characters = 0
  /** By number: in which path the text was seen last. */
  #seenIn = new Float64Array(0)
  #round = 0
  #path: string | undefined
  #scan: ((path: string) => number) | undefined

  /** The number by which the text is asked for that an expression requires; -1 where it has none, or there is no room. */
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

  /** Whether a text may stand in a path. */
  has(number: number, path: string, work: Work): boolean {
    if (number < 0 || this.#numbers.size <= FEW) return true
    if (path !== this.#path) {
      if (!work.takes(path.length)) return true
      this.#scan ??= this.#compile()
      this.#round++
      this.#scan(path)
    }
    // The same text may come as another string: to compare two of those takes long.
    this.#path = path
    return this.#seenIn[number] === this.#round
  }

  #compile(): (path: string) => number {
    const needles = [...this.#numbers].map(([text, owner]) => ({ text, owner }))
    this.#seenIn = new Float64Array(needles.length)
    return compileAutomaton(needles, (_path, number) => {
      // With it, the shorter ones that end there have been seen.
      if (this.#seenIn[number] === this.#round) return 'none here'
      this.#seenIn[number] = this.#round
      return false
    })
  }
}
