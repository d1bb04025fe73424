process.env.DROP444_RUNS ??= '10'
await import('./memory-store.test.ts')
