/** So many at once are faster than one by one, and V8 takes them: it refuses what compiles to too much code. */
const together = 24

/**
 * A reference counts or names groups, a counted repetition can compile to any length, and V8 takes so many groups and no
 * more: such an expression stays alone.
 */
const isLoner = ({ source }: RegExp) => source.length > 1000 || /\\[1-9k]|\(\?<[^=!]|\{\d/.test(source)

/** Returns the index of an expression that the text matches, or -1: asks for any of several, and only then for which. */
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
  const each = (index: number) => expressions[index] as RegExp
  const compiled = groups.map(members => {
    const sources = members.map(index => `(?:${each(index).source})`)
    return { members, any: new RegExp(sources.join('|'), each(members[0] as number).flags) }
  })
  return function find(text) {
    for (const { any, members } of compiled) {
      if (any.test(text)) return members.find(index => each(index).test(text)) ?? -1
    }
    return -1
  }
}
