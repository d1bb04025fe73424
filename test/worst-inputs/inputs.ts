/** As many bytes as Node takes for a head by default. */
const HEAD = 16_384

/** A unit, again and again, up to a length. */
export const fill = (unit: string, length: number) =>
  unit.repeat(Math.ceil(length / unit.length)).slice(0, length)

/** A text that is sent, and what it is. */
export interface Input {
  readonly name: string
  readonly head: string
}

const shown = (unit: string) =>
  JSON.stringify(unit.replace(/[\x80-\xff]/g, byte => `\\x${byte.charCodeAt(0).toString(16)}`))

/** Heads of which one field is as long as can be, made of each unit; its end may matter too. */
export function fieldInputs(
  field: string,
  units: readonly string[],
  ends: readonly string[] = [''],
): Input[] {
  const rest = `GET / HTTP/1.1\r\nHost: a\r\n${field}: q\r\n\r\n`.length + 20
  const isHost = field === 'Host'
  return units.flatMap(unit =>
    ends.map(end => {
      const value = `${fill(unit, HEAD - rest)}${end}`
      const lines = isHost ? `Host: ${value}` : `Host: a\r\n${field}: ${value}`
      return { name: `${shown(unit)} …${end}`, head: `GET / HTTP/1.1\r\n${lines}\r\n\r\n` }
    }),
  )
}

/** Requests whose path is as long as can be. */
export const pathInputs = (units: readonly string[], ends: readonly string[], start = '/'): Input[] =>
  units.flatMap(unit =>
    ends.map(end => ({
      name: `\`${start}\` ${shown(unit)} …${end}`,
      head: `GET ${start}${fill(unit, HEAD - 100)}${end} HTTP/1.1\r\nHost: a\r\n\r\n`,
    })),
  )

/** So many things that a list holds. */
export const many = <T>(make: (i: number) => T): T[] => Array.from({ length: 1_000 }, (_, i) => make(i))
