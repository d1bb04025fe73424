/** A RegExp that keeps no place between two tests; one with `y` goes on looking at the start alone. */
export function stateless(pattern: RegExp): RegExp {
  const source = pattern.sticky ? `(?<![^])(?:${pattern.source})` : pattern.source
  return new RegExp(source, pattern.flags.replace(/[gy]/g, ''))
}
