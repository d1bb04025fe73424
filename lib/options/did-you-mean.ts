import { peerName } from './other-packages.ts'

/** The Levenshtein distance: the fewest edits (insert, delete, replace) from `a` to `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}

/** The known name that was probably meant; undefined if none is near. */
export function closest(given: string, known: readonly string[]): string | undefined {
  const plain = given.toLowerCase().replace(/[-_ ]/g, '')
  // Another package's name for the option is a surer hint than a similar spelling.
  const alias = peerName(given, known)
  if (alias) return alias
  return known
    .map(name => ({ name, edits: distance(plain, name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= (name.length > 4 ? 2 : 1))
    .sort((a, b) => a.edits - b.edits)[0]?.name
}
