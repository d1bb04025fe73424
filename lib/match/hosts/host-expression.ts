import { readExpression, type Tree } from '../expressions/read-expression.ts'

const codes = (characters: string) => [...characters].map(each => each.charCodeAt(0))

/** The characters of hosts in normal form: of names, and of IPv6 addresses in brackets. */
const alphabets = [
  /* @__PURE__ */ codes('abcdefghijklmnopqrstuvwxyz0123456789_.-'),
  /* @__PURE__ */ codes('abcdef0123456789.:[]'),
]

/** Whether an expression may match a text of these characters alone; true if that can't be decided. */
function mayMatch(expression: RegExp, alphabet: readonly number[]): boolean {
  const read = readExpression(expression)
  if (!read) return true
  const may = (node: Tree): boolean => {
    if (node.kind === 'character') return alphabet.some(code => read.sets[node.set]?.ascii[code] === 1)
    if (node.kind === 'sequence') return node.items.every(may)
    if (node.kind === 'choice') return node.items.some(may)
    if (node.kind === 'repeat') return node.min === 0 || may(node.item)
    return node.kind !== 'look' || node.isNegated || may(node.item)
  }
  return may(read.tree)
}

const mayMatchHost = (expression: RegExp) => alphabets.some(alphabet => mayMatch(expression, alphabet))

/** The reason why an expression can match no host; undefined if it can. */
export function noHostMatches(expression: RegExp): string | undefined {
  if (mayMatchHost(expression)) return undefined
  const { source, flags } = expression
  return !flags.includes('i') && mayMatchHost(new RegExp(source, `${flags}i`))
    ? 'hosts are compared in lower case, so it matches none: write it in lower case, or with the flag i'
    : 'it matches no host: they are compared in ASCII (xn--…), without a port, and hold no blanks or slashes'
}

const characters = /* @__PURE__ */ Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))

/**
 * Whether some part of an expression matches capitals only; a host in normal form has none. nginx ignores case if an
 * expression of `server_name` has a capital (ngx_http_core_server_name).
 */
export function asksForCapitals(expression: RegExp): boolean {
  if (expression.ignoreCase) return false
  return (readExpression(expression, true)?.sets ?? []).some(set => {
    const members = characters.filter(set.has)
    return members.length > 0 && members.every(member => member >= 'A' && member <= 'Z')
  })
}
