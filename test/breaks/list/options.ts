import type { Break } from '../break.ts'

export const options: readonly Break[] = [
  {
    name: 'options: of the names that a peer uses only the first is tried',
    file: 'peer-options.ts',
    find: 'return names?.find(each => known.includes(each))',
    replace: 'return names?.slice(0, 1).find(each => known.includes(each))',
    tests: ['options.test.ts'],
  },
  {
    name: 'options: what a peer has and we have not gets no hint',
    file: 'options.ts',
    find: 'didYouMean === undefined ? peerHint(option) : undefined',
    replace: 'undefined as ReturnType<typeof peerHint>',
    tests: ['options.test.ts'],
  },
  {
    name: 'options: a store of express-rate-limit gets no hint',
    file: 'rules/limit-options.ts',
    find: "if (typeof increment === 'function' || typeof incr === 'function')",
    replace: 'if (false)',
    tests: ['options.test.ts'],
  },
  {
    name: 'an unknown option is ignored',
    file: 'options.ts',
    find: '    if (!check) {\n',
    replace: '    if (!check && option !== undefined) continue\n    if (!check) {\n',
    tests: ['options.test.ts'],
  },
  {
    name: 'app.use(noHost), not called, is not noticed',
    file: 'options.ts',
    find: "'headers' in first",
    replace: "!('headers' in first)",
    tests: ['options.test.ts'],
  },
]
