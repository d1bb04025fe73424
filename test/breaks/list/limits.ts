import type { Break } from '../break.ts'

export const limits: readonly Break[] = [
  {
    name: 'a rejected request is counted',
    file: 'match/leaky-bucket.ts',
    find: '  if (excess > bucket.burst) {\n',
    replace: '  if (excess > bucket.burst) {\n    state.excess = excess\n',
    tests: ['rules/rate-limit.test.ts'],
  },
  {
    name: '1r/m is 17',
    file: 'rules/rate-limit.ts',
    find: 'return Math.trunc((Number(match[1])',
    replace: 'return Math.ceil((Number(match[1])',
    tests: ['rules/rate-limit.test.ts'],
  },
  {
    name: 'the excess does not drain in whole units',
    file: 'match/leaky-bucket.ts',
    find: 'Math.trunc((bucket.rate * ms) / 1000)',
    replace: 'Math.round((bucket.rate * ms) / 1000)',
    tests: ['rules/rate-limit.test.ts'],
  },
  {
    name: 'each address of an IPv6 network is a client',
    file: 'rules/rate-limit.ts',
    find: 'if (address.family === 4 || ipv6Subnet === 128)',
    replace: 'if (address.family === 4 || ipv6Subnet > 0)',
    tests: ['rules/rate-limit.test.ts'],
  },
  {
    name: 'memory is not bounded',
    file: 'stores/memory-store.ts',
    find: 'if (this.#states.size > this.#maxKeys) {',
    replace: 'if (this.#states.size > this.#maxKeys * 1e6) {',
    tests: ['stores/memory-store.test.ts'],
  },
  {
    name: 'the first key goes, not the least recently seen',
    file: 'stores/memory-store.ts',
    find: '      this.#states.delete(key)\n',
    replace: '',
    tests: ['stores/memory-store.test.ts'],
  },
  {
    name: 'a delayed request whose client left goes on',
    file: 'rules/rate-limit.ts',
    find: 'const forget = () => clearTimeout(timer)',
    replace: 'const forget = () => resolve(undefined)',
    tests: ['rules/rate-limit.test.ts'],
  },
]
