import type { Check } from './read-options.ts'

const UNITS = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

const NOTATION = /* @__PURE__ */ notation()

function notation(): RegExp {
  return new RegExp(`^(?=\\d)${UNITS.map(([unit]) => `(?:(\\d{1,10})${unit} ?)?`).join('')}$`)
}

/** Milliseconds of a time in nginx's notation, `'90s'`, `'1h 30m'`, `'1d'`; undefined for other text. Unlike in nginx, each number needs a unit. */
function parseDuration(text: string): number | undefined {
  const parts = NOTATION.exec(text)
  return parts ? UNITS.reduce((sum, [, ms], i) => sum + Number(parts[i + 1] ?? 0) * ms, 0) : undefined
}

/** Checks a time within bounds, both included: a whole number of milliseconds, or text in nginx's notation. */
export function duration(from: number, to: number): Check<number> {
  return (value, fail) => {
    const ms = typeof value === 'string' ? parseDuration(value) : value
    return Number.isSafeInteger(ms) && (ms as number) >= from && (ms as number) <= to
      ? (ms as number)
      : fail(`a whole number of milliseconds from ${from} to ${to}, or such as '90s', '10m', '1h', '1d'`)
  }
}
