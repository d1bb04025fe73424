process.env.DROP444_RUNS ??= '5'
await import('./memory-store.test.ts')
