/**
 * Texts that are made anew each time they are asked for, as Node's HTTP parser makes its strings: one that is reused has
 * its hash computed and flatters every `Map`.
 */
export interface Texts {
  readonly bytes: Buffer
  /** Where each begins, and where the last one ends. */
  readonly starts: Uint32Array
  readonly count: number
}

export function packTexts(texts: readonly string[]): Texts {
  const bytes = Buffer.from(texts.join(''), 'latin1')
  const starts = new Uint32Array(texts.length + 1)
  for (const [i, text] of texts.entries()) starts[i + 1] = (starts[i] as number) + text.length
  if (starts[texts.length] !== bytes.length || texts.length === 0) throw new Error('not Latin-1, or no texts')
  return { bytes, starts, count: texts.length }
}

export const textAt = ({ bytes, starts }: Texts, i: number) =>
  bytes.toString('latin1', starts[i] as number, starts[i + 1] as number)
