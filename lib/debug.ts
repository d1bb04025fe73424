import createDebug from 'debug'

/** `DEBUG=drop444:*`: each verdict with rule, reason and time. */
export const debugVerdict = createDebug('drop444:verdict')

/** `DEBUG=drop444:*`: what goes wrong in a callback of the user's. */
export const debugError = createDebug('drop444:error')

/** `DEBUG=drop444:*`: what is allowed, but rarely meant, said at start. */
export const debugAdvice = createDebug('drop444:advice')
