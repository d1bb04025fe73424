import type { Row, Target } from './section.ts'

const three = (value: number) =>
  value.toLocaleString('en', value >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 })

const steps = [
  ['ns', 1],
  ['µs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
] as const

/** A figure with its unit, in three digits; nanoseconds in whatever unit reads best. */
export function formatFigure(value: number, unit: string): string {
  if (unit === '×') return `${three(value)} ×`
  if (unit !== 'ns') return `${three(value)} ${unit}`
  const [name, size] = steps.findLast(([, size]) => value >= size) ?? steps[0]
  return `${three(value / size)} ${name}`
}

/** Candidate, case, median, and the quartiles where there were rounds. */
export function cellsOf(row: Row): [string, string, string, string] {
  const { candidate, at, unit, note } = row
  const name = note === undefined ? candidate : `${candidate} (${note})`
  if ('skipped' in row) return [name, at, '–', row.skipped]
  const spread = `${formatFigure(row.low, unit)} … ${formatFigure(row.high, unit)}`
  return [name, at, formatFigure(row.median, unit), row.low === row.high ? '' : spread]
}

/** What was promised, wanted, measured, and whether it is met. */
export function cellsOfTarget({ text, sense, wanted, unit, measured, met, note }: Target) {
  const limit = `${sense === 'at least' ? '≥' : '≤'} ${formatFigure(wanted, unit)}`
  const found = measured === undefined ? 'not measured' : formatFigure(measured, unit)
  const verdict = measured === undefined ? 'not measured' : met ? 'met' : 'MISSED'
  return [note === undefined ? text : `${text} (${note})`, limit, found, verdict] as const
}
