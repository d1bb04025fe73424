import { PythonSyntaxError, type Scanner } from './scanner.ts'

/** `*`, `{2,}` and so on, or undefined; a brace that begins none stands for itself. */
export function readQuantifier(scanner: Scanner): string | undefined {
  if (scanner.eat('*')) return '*'
  if (scanner.eat('+')) return '+'
  if (scanner.eat('?')) return '?'
  const { at } = scanner
  if (scanner.eat('{') && scanner.peek() !== '}') {
    const from = scanner.take(12, /[0-9]/)
    const to = scanner.eat(',') ? scanner.take(12, /[0-9]/) : from
    if (scanner.eat('}')) {
      const min = Number(from)
      if (to !== '' && Number(to) < min)
        throw new PythonSyntaxError(`"{${from},${to}}" ends before it begins`)
      return `{${min},${to}}`
    }
  }
  scanner.reset(at)
  return undefined
}

/** White space and comments of a verbose pattern. */
export function skipVerbose(scanner: Scanner): boolean {
  if (scanner.take(1, /[ \t\n\r\v\f]/) !== '') return true
  if (!scanner.eat('#')) return false
  while (scanner.peek() !== undefined && scanner.next('a comment') !== '\n');
  return true
}
