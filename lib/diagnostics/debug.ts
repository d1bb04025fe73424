import createDebug from 'debug'
import { printable } from './printable.ts'
import { traceOf } from './thrown.ts'

/** What is shown may be a client's words: a line each, printable. */
interface Debug {
  (format: string, ...values: readonly (string | number)[]): void
  readonly enabled: boolean
}

/** `debug` with formatters, or a `log`, of the user's may throw: that changes nothing. */
function makeDebug(namespace: string): { debug: createDebug.Debugger; say: Debug } {
  const debug = createDebug(namespace)
  const say = (format: string, ...values: readonly (string | number)[]) => {
    if (!debug.enabled) return
    try {
      debug(format, ...values.map(value => (typeof value === 'string' ? printable(value) : value)))
    } catch {}
  }
  return {
    debug,
    say: Object.defineProperty(say, 'enabled', { get: () => debug.enabled }) as unknown as Debug,
  }
}

/** `DEBUG=drop444:*`: each verdict with rule, reason and time. */
export const debugVerdict = makeDebug('drop444:verdict').say

/** `DEBUG=drop444:*`: what is allowed, but rarely meant, said at start. */
export const debugAdvice = makeDebug('drop444:advice').say

const { debug, say } = makeDebug('drop444:error')

/** `DEBUG=drop444:*`: what goes wrong in a callback of the user's. */
export const debugError = say

/** As {@link debugError}, of something that was thrown: with its stack. */
export function debugThrown(source: string, thrown: unknown): void {
  if (!debug.enabled) return
  try {
    debug('%s: %s', printable(source), traceOf(thrown))
  } catch {}
}
