process.env.DROP444_RUNS ??= '5'
await import('./trie.test.ts')
