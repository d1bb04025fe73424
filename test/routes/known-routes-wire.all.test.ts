process.env.DROP444_RUNS ??= '5'
await import('./known-routes-wire.test.ts')
