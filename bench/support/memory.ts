/** Bytes that the process holds after a collection: the heap, and what lies outside of it. Needs `--expose-gc`. */
export function heldBytes(): number {
  if (!globalThis.gc) throw new Error('to be run with --expose-gc')
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
