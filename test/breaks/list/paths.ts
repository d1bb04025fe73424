import type { Break } from '../break.ts'

export const paths: readonly Break[] = [
  {
    name: 'an encoded dot passes',
    file: 'match/request-path.ts',
    find: '|%2e|',
    replace: '|',
    tests: ['rules/path-allowlist.test.ts'],
  },
  {
    name: 'two slashes pass',
    file: 'match/request-path.ts',
    find: '|\\/\\/|',
    replace: '|',
    tests: ['rules/path-allowlist.test.ts'],
  },
  {
    name: '%25 before two hex digits passes',
    file: 'match/request-path.ts',
    find: ' && !/%[0-9a-f]{2}/i.test(decoded)',
    replace: '',
    tests: ['rules/path-allowlist.test.ts'],
  },
  {
    name: 'an encoded slash passes a wildcard',
    file: 'match/path-patterns.ts',
    find: 'const hidden = /%2f|%5c|',
    replace: 'const hidden = /%5c|',
    tests: ['rules/path-allowlist.test.ts'],
  },
  {
    name: '! does not subtract',
    file: 'match/glob.ts',
    find: '(pattern.length - glob.length) % 2 === 1',
    replace: 'pattern.length < glob.length',
    tests: ['rules/path-allowlist.test.ts'],
  },
  {
    name: 'what ! took away comes back percent-encoded',
    file: 'match/path-patterns.ts',
    find: "if (!sent.includes('%')) return false",
    replace: 'if (sent) return false',
    tests: ['rules/path-allowlist.test.ts'],
  },
  {
    name: 'a dotfile passes that no pattern spells',
    file: 'match/path-patterns.ts',
    find: '|;|(?<=\\/)\\./gi',
    replace: '|;/gi',
    tests: ['rules/path-allowlist.test.ts', 'match/path-smuggling.test.ts'],
  },
  {
    name: 'a path may take a pattern minutes',
    file: 'match/glob.ts',
    find: 'longestBy[sharing] ?? 32',
    replace: 'longestBy[0] ?? sharing',
    tests: ['match/path-time.test.ts'],
  },
  {
    name: 'what a router cuts off is not looked at',
    file: 'rules/path-allowlist.ts',
    find: 'const isClear = originalUrl === url ||',
    replace: 'const isClear = url !== undefined ||',
    tests: ['rules/path-allowlist.test.ts'],
  },
]
