import { isRegExp } from 'node:util/types'
import { printableCut, printableJson } from './printable.ts'

/** The most characters shown of a value that is no string. */
const MAX_SHOWN = 300

/** Formats a value for an error message: short, printable, strings in quotes. Never throws. */
export function show(value: unknown): string {
  try {
    if (typeof value === 'string')
      return printableJson(JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value))
    return printableCut(describe(value), MAX_SHOWN)
  } catch {
    return 'something that cannot be shown'
  }
}

function describe(value: unknown): string {
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (isRegExp(value)) return String(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const kind = value.constructor?.name ?? 'Object'
  return kind === 'Object' ? 'an object' : `an object of class ${kind}`
}
