process.env.DROP444_RUNS ??= '5'
await import('./pipelines.test.ts')
