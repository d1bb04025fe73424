import { channel } from 'node:diagnostics_channel'

/*
 * Several copies of this package may be in one process: two versions, a bundle with one in it, a module cache that was emptied. What they
 * keep on requests, connections and rules has names that all of them know, so that they act as one.
 */

/**
 * To be counted up whenever something that is kept under a shared name changes: a field, its type, what it means. Copies of different
 * shapes see nothing of each other's, and so misread nothing.
 */
export const SHAPE = 1

/** The key of what is no kept state: a mark, or a function that is only called. Copies of any shape may read it. */
export const lastingKey = (name: string): symbol => Symbol.for(`drop444.${name}`)

/** The key under which every copy of this shape keeps the same thing on an object. */
export const sharedKey = (name: string): symbol => Symbol.for(`drop444.${name}.${SHAPE}`)

/** There is one in each thread, whichever module registry or `vm` context a copy was loaded in. */
const home = /* @__PURE__ */ channel('drop444:drop') as unknown as Record<symbol, unknown>

/** What copies of this shape have in common in a thread: the first that asks makes it. */
export function shared<T>(name: string, make: () => T): T {
  const key = sharedKey(name)
  home[key] ??= make()
  return home[key] as T
}
