import type { Break } from '../break.ts'

export const options: readonly Break[] = [
  {
    name: 'serverNames: a RegExp that can match no host is taken',
    file: 'options/server-names-option.ts',
    find: '? noHostMatches(name)\n',
    replace: '? void noHostMatches(name)\n',
    tests: ['match/hosts/server-names.test.ts'],
  },
  {
    name: 'serverNames: a RegExp with capitals in one of its ways is refused',
    file: 'match/hosts/host-expression.ts',
    find: "if (node.kind === 'choice') return node.items.some(may)",
    replace: "if (node.kind === 'choice') return node.items.every(may)",
    tests: ['match/hosts/server-names.test.ts'],
  },
  {
    name: 'options: of the names that a peer uses only the first is tried',
    file: 'options/other-packages.ts',
    find: 'return names?.find(each => known.includes(each))',
    replace: 'return names?.slice(0, 1).find(each => known.includes(each))',
    tests: ['options/options.test.ts'],
  },
  {
    name: 'options: what a peer has and we have not gets no hint',
    file: 'options/read-options.ts',
    find: 'didYouMean === undefined ? peerHint(option) : undefined',
    replace: 'undefined as ReturnType<typeof peerHint>',
    tests: ['options/options.test.ts'],
  },
  {
    name: 'options: a store of express-rate-limit gets no hint',
    file: 'rules/rate-limit/limit-options.ts',
    find: "if (typeof increment === 'function' || typeof incr === 'function')",
    replace: 'if (false)',
    tests: ['options/options.test.ts'],
  },
  {
    name: 'an unknown option is ignored',
    file: 'options/read-options.ts',
    find: '    if (!check) {\n',
    replace: '    if (!check && option !== undefined) continue\n    if (!check) {\n',
    tests: ['options/options.test.ts'],
  },
  {
    name: 'app.use(noHost), not called, is not noticed',
    file: 'options/read-options.ts',
    find: "'headers' in first",
    replace: "!('headers' in first)",
    tests: ['options/options.test.ts'],
  },
  {
    name: 'capitals in a server name, where it matches some hosts, are not warned of',
    file: 'match/hosts/host-expression.ts',
    find: 'if (expression.ignoreCase) return false',
    replace: 'if (expression.global !== undefined) return false',
    tests: ['match/hosts/server-names.test.ts'],
  },
]
