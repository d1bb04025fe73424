/** Random words that nobody outside knows: what they decide can't be aimed at. */
export type Secret = Int32Array

export const newSecret = (): Secret => crypto.getRandomValues(new Int32Array(4))

/**
 * Which place two words go to, out of 2^32. Multiplied by secret odd numbers: the upper bits, which are the ones that count,
 * hang on all bits below and on the secret.
 */
export function mixWords(secret: Secret, high: number, low: number): number {
  let mixed = Math.imul(low ^ (secret[0] as number), (secret[1] as number) | 1)
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ high, (secret[2] as number) | 1)
  return Math.imul(mixed ^ (mixed >>> 14), (secret[3] as number) | 1) >>> 0
}

/** What {@link takeFingerprint} found last: two words, so that nothing is allocated. */
export const fingerprint = /* @__PURE__ */ new Int32Array(2)

/**
 * The text's 64 bits: HalfSipHash-1-3 (Aumasson and Bernstein), with a key of 128 bits, over blocks of two characters. Both
 * halves are taken from one end state: nobody sees the result, so there is nothing to learn from it.
 */
export function takeFingerprint(secret: Secret, text: string): void {
  let a = secret[0] as number
  let b = secret[1] as number
  let c = (secret[2] as number) ^ 0x6c796765
  let d = (secret[3] as number) ^ 0x74656462
  const { length } = text
  const pairs = length >> 1
  for (let i = 0; i < pairs + 4; i++) {
    let block = 0
    if (i < pairs) block = text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 16)
    else if (i === pairs) block = (length & 1 ? text.charCodeAt(length - 1) : 0) | (length << 16)
    else if (i === pairs + 1) c ^= 0xee
    d ^= block
    a = (a + b) | 0
    b = ((b << 5) | (b >>> 27)) ^ a
    a = (a << 16) | (a >>> 16)
    c = (c + d) | 0
    d = ((d << 8) | (d >>> 24)) ^ c
    a = (a + d) | 0
    d = ((d << 7) | (d >>> 25)) ^ a
    c = (c + b) | 0
    b = ((b << 13) | (b >>> 19)) ^ c
    c = (c << 16) | (c >>> 16)
    a ^= block
  }
  fingerprint[0] = b ^ d
  fingerprint[1] = a ^ c
}
