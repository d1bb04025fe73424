process.env.DROP444_RUNS ??= '10'
await import('./path-trie.test.ts')
