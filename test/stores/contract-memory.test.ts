import { describe } from 'node:test'
import { MemoryStore } from '../../lib/index.ts'
import { testStore } from './contract.ts'

describe('the contract of stores: memory', () => {
  const store = new MemoryStore(10_000)
  testStore(() => store)
})
