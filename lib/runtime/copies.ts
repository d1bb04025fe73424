import { channel } from 'node:diagnostics_channel'

/*
 * One process may hold several copies of this package: two versions, a copy in a bundle, a module cache that was emptied. State on
 * requests, connections and rules has names that all copies know, so that they act as one.
 */

/**
 * The version of all state under shared names. Count it up when a field changes, its type or its meaning: copies of different
 * shapes do not see each other's state, so they can't misread it.
 */
export const SHAPE = 1

/** A key for a mark, or for a function that is only called. It depends on no shape, so every copy may read it. */
export const lastingKey = (name: string): symbol => Symbol.for(`drop444.${name}`)

/** A key for state on an object. Copies of this shape share it. */
export const sharedKey = (name: string): symbol => Symbol.for(`drop444.${name}.${SHAPE}`)

/** An object that exists once in each thread, whichever module registry or `vm` context a copy was loaded in. */
const home = /* @__PURE__ */ channel('drop444:drop') as unknown as Record<symbol, unknown>

/** A value that all copies of this shape in a thread share. The first copy that needs it makes it. */
export function shared<T>(name: string, make: () => T): T {
  const key = sharedKey(name)
  home[key] ??= make()
  return home[key] as T
}
