import type { Layer } from './layer.ts'
import { unwrap } from './unwrap.ts'

/*
 * What a handler is, as far as the function that Express was given shows it: its name, its number of parameters, its source
 * text, or fields that its package leaves on it.
 */

const sourceOf = (handler: object) => Function.prototype.toString.call(handler)

/** Whether it is `express.static`. */
export const isServeStatic = ({ name }: Layer) => name === 'serveStatic'

/** Whether Express 4 itself has put it into the app. */
export const isExpressOwn = ({ name }: Layer) => name === 'query' || name === 'expressInit'

/** Whether it is an error handler, which Express knows by a fourth parameter. */
export const isErrorHandler = ({ handle }: Layer) => unwrap(handle).length > 3

/** Whether Sentry 7 has put a function in front of the handler; it keeps no reference to the handler behind it. */
export const isHiddenBySentry = ({ handle }: Layer) => sourceOf(handle).includes('__sentry_transaction')

/**
 * The package that made a handler which leads to another app by the host. vhost names its middleware so;
 * express-subdomain's is anonymous, and marks the request.
 */
export function hostPackage({ handle }: Layer): string | undefined {
  const handler = unwrap(handle)
  if (handler.name === 'vhost') return 'vhost'
  const source = sourceOf(handler)
  if (/\._subdomainLevel\b/.test(source)) return 'express-subdomain'
  return /\breq\.vhost\s*=[^=]/.test(source) ? 'vhost' : undefined
}

/** Whether a handler seems, by its name or its methods, to have routes of its own that can't be read. */
export function hidesRoutes({ handle, name }: Layer): boolean {
  const { handle: inner, stack } = unwrap(handle) as { handle?: unknown; stack?: unknown }
  if (typeof inner === 'function' || Array.isArray(stack)) return true
  return name === 'router' || name === 'mounted_app'
}
