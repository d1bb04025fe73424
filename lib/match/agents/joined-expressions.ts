/** Expressions joined into one. That is faster than one by one; V8 refuses an expression that compiles to too much code. */
const together = 24

/**
 * Whether an expression can't be joined with others: references count or name groups, a counted repetition can compile to any
 * length, and V8 limits the number of groups.
 */
const mustStayAlone = ({ source }: RegExp) => source.length > 1000 || /\\[1-9k]|\(\?<[^=!]|\{\d/.test(source)

/** Compiles expressions into few joined ones. The result returns the index of an expression that the text matches, or -1. */
export function compileExpressions(expressions: readonly RegExp[]): (text: string) => number {
  const groups: number[][] = []
  const open = new Map<string, number[]>()
  for (const [index, expression] of expressions.entries()) {
    const key = mustStayAlone(expression) ? `${index}` : expression.flags
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
    // An empty group after each expression shows which one matched, so none has to be tested again.
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

/** How many capturing groups an expression has. */
const groupsIn = (source: string) => (new RegExp(`${source}|`).exec('')?.length ?? 1) - 1
