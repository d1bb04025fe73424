process.env.DROP444_RUNS ??= '10'
await import('./trie.test.ts')
