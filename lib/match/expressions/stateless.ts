/** The same RegExp without `lastIndex` between two tests. One with `y` still matches only at the start of the text. */
export function stateless(pattern: RegExp): RegExp {
  const source = pattern.sticky ? `(?<![^])(?:${pattern.source})` : pattern.source
  return new RegExp(source, pattern.flags.replace(/[gy]/g, ''))
}
