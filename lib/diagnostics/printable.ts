/**
 * Characters that control a terminal, end a line, or change the order in which a line is shown: C0, DEL, C1, U+2028 and
 * U+2029, and the controls of bidirectional text (Unicode UAX #9, 2).
 */
const controls = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const hex = (code: number, digits: number) => code.toString(16).toUpperCase().padStart(digits, '0')

function escapeControl(character: string): string {
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`
}

/** Makes a text that a terminal shows as one line: control characters are written as `\x1B`, `\u202E`. */
export function printable(text: string): string {
  return text.replace(controls, escapeControl)
}

/** {@link printable} of the first `max` characters of a text. */
export function printableCut(text: string, max: number): string {
  return text.length > max ? `${printable(text.slice(0, max))}…` : printable(text)
}

/** The same JSON, with the control characters that `JSON.stringify` does not escape written as `\u009b`. */
export function printableJson(json: string): string {
  return json.replace(controls, character => `\\u${hex(character.charCodeAt(0), 4).toLowerCase()}`)
}
