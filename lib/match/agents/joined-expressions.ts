/** So many at once are faster than one by one, and V8 takes them: it refuses what compiles to too much code. */
const together = 24

/**
 * A reference counts or names groups, a counted repetition can compile to any length, and V8 takes so many groups and no
 * more: such an expression stays alone.
 */
const isLoner = ({ source }: RegExp) => source.length > 1000 || /\\[1-9k]|\(\?<[^=!]|\{\d/.test(source)

/** Returns the index of an expression that the text matches, or -1: asks for any of several at once. */
export function compileExpressions(expressions: readonly RegExp[]): (text: string) => number {
  const groups: number[][] = []
  const open = new Map<string, number[]>()
  for (const [index, expression] of expressions.entries()) {
    const key = isLoner(expression) ? `${index}` : expression.flags
    const group = open.get(key)
    if (group && group.length < together) group.push(index)
    else {
      const started = [index]
      groups.push(started)
      open.set(key, started)
    }
  }
  const sourceOf = (index: number) => (expressions[index] as RegExp).source
  const compiled = groups.map(members => {
    // The empty group behind an expression tells that it was this one: none is asked again.
    let marks = 0
    const marked = members.map(index => {
      marks += groupsIn(sourceOf(index)) + 1
      return { index, mark: marks }
    })
    const { flags } = expressions[members[0] as number] as RegExp
    const [only = 0] = members
    if (members.length === 1) return { marked, any: new RegExp(sourceOf(only), flags) }
    return { marked, any: new RegExp(members.map(index => `(?:${sourceOf(index)})()`).join('|'), flags) }
  })
  return function find(text) {
    for (const { any, marked } of compiled) {
      const found = any.exec(text)
      if (found) return (marked.find(({ mark }) => found[mark] !== undefined) ?? marked[0])?.index ?? -1
    }
    return -1
  }
}

/** How many groups of an expression capture. */
const groupsIn = (source: string) => (new RegExp(`${source}|`).exec('')?.length ?? 1) - 1
