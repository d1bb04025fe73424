import createDebug from 'debug'
import { printable } from './printable.ts'
import { traceOf } from './thrown.ts'

/** Prints one line. Strings among the values may come from a client, so they are made printable. */
interface Debug {
  (format: string, ...values: readonly (string | number)[]): void
  readonly enabled: boolean
}

/** Wraps `debug`. Formatters and a `log` of the user may throw; that is ignored. */
function makeDebug(debug: createDebug.Debugger): Debug {
  const say = (format: string, ...values: readonly (string | number)[]) => {
    if (!debug.enabled) return
    try {
      debug(format, ...values.map(value => (typeof value === 'string' ? printable(value) : value)))
    } catch {}
  }
  return Object.defineProperty(say, 'enabled', { get: () => debug.enabled }) as unknown as Debug
}

/** `DEBUG=drop444:*`: each verdict with rule, reason and time. */
export const debugVerdict = /* @__PURE__ */ makeDebug(/* @__PURE__ */ createDebug('drop444:verdict'))

/** `DEBUG=drop444:*`: settings that are allowed, but rarely meant. Printed at start. */
export const debugAdvice = /* @__PURE__ */ makeDebug(/* @__PURE__ */ createDebug('drop444:advice'))

const debug = /* @__PURE__ */ createDebug('drop444:error')

/** `DEBUG=drop444:*`: failures in callbacks of the user. */
export const debugError = /* @__PURE__ */ makeDebug(debug)

/** {@link debugError} for a thrown value, with its stack. */
export function debugThrown(source: string, thrown: unknown): void {
  if (!debug.enabled) return
  try {
    debug('%s: %s', printable(source), traceOf(thrown))
  } catch {}
}
