process.env.DROP444_RUNS ??= '10'
await import('./known-routes-express.test.ts')
