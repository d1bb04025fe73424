/** What `node` is to be given so that it reads TypeScript: later versions do by themselves, in less time. */
function argsOf(): readonly string[] {
  if ('typescript' in process.features && process.features.typescript) return []
  // Coverage is of one translation: that of the processes too which tests start.
  if (process.env.NODE_V8_COVERAGE) return ['--import', 'tsx']
  return ['--import', new URL('typescript.mjs', import.meta.url).href]
}

export const reader = argsOf()
