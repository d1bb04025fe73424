/** The value of a hexadecimal digit by its code; 16 for anything else. */
const digits = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(digit) ? 16 : digit
})

const PERCENT = 37
const [LOWER, UPPER] = [0x60, 0xdf]

/** The byte of the escape `%XX` at a place of a text; -1 if there is none. */
export function escapeAt(text: string, at: number): number {
  const high = digits[text.charCodeAt(at + 1)] ?? 16
  const low = digits[text.charCodeAt(at + 2)] ?? 16
  return high < 16 && low < 16 ? high * 16 + low : -1
}

/** {@link escapeAt} for bytes. */
export function byteAt(bytes: Uint8Array, at: number): number {
  const high = digits[bytes[at + 1] as number] ?? 16
  const low = digits[bytes[at + 2] as number] ?? 16
  return high < 16 && low < 16 ? high * 16 + low : -1
}

/** Writes the escapes of a text in upper case (RFC 3986 6.2.2.1). */
export function upperHex(text: string): string {
  if (!text.includes('%')) return text
  if (/[^\x00-\x7f]/.test(text)) return text.replace(/%[0-9a-f]{2}/gi, found => found.toUpperCase())
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== PERCENT || byteAt(bytes, at) < 0) continue
    for (let place = at + 1; place < at + 3; place++) {
      const code = bytes[place] as number
      if (code > LOWER) bytes[place] = code & UPPER
    }
  }
  return bytes.toString('latin1')
}

const escapesBeyond = /(?:%[89A-F][0-9A-F])+/g

/** {@link upperHex}, and decodes the escapes of characters beyond ASCII, if they are UTF-8. */
export function decodeBeyond(text: string): string {
  const form = upperHex(text)
  if (!/%[89A-F]/.test(form)) return form
  return form.replace(escapesBeyond, escapes => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      return escapes
    }
  })
}

const encoded = /* @__PURE__ */ Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase()}`,
)

/** Percent-encodes bytes beyond ASCII, which Node reads as Latin-1. */
export function encodeBytes(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text
  let result = ''
  for (let at = 0; at < text.length; at++) result += encoded[text.charCodeAt(at)] ?? text[at]
  return result
}
