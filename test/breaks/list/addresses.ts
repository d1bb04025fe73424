import type { Break } from '../break.ts'

export const addresses: readonly Break[] = [
  {
    name: 'a list may cover every address',
    file: 'match/cidr-entry.ts',
    find: "return whole ? 'it covers every address there is' : [range]",
    replace: 'return whole && text === undefined ? [] : [range]',
    tests: ['match/cidr-entry.test.ts'],
  },
  {
    name: 'a mapped address is not IPv4',
    file: 'match/address.ts',
    find: 'if (a === 0 && b === 0 && c === 0xffff) return',
    replace: 'if (a === 0 && b === 0 && c === 0x1ffff) return',
    tests: ['match/address.test.ts'],
  },
  {
    name: 'the binary search is off by one',
    file: 'match/cidr-set.ts',
    find: 'words) <= 0) low = middle + 1',
    replace: 'words) < 0) low = middle + 1',
    tests: ['match/cidr-set.test.ts'],
  },
  {
    name: 'the last address of a range is outside',
    file: 'match/cidr-set.ts',
    find: 'words) >= 0 ? texts[low - 1]',
    replace: 'words) > 0 ? texts[low - 1]',
    tests: ['match/cidr-set.test.ts'],
  },
  {
    name: "an untrusted peer's X-Forwarded-For is believed",
    file: 'client-address.ts',
    find: '    if (trust !== trustNobody) warnUntrusted(peer)\n    return peer\n',
    replace: '    if (trust !== trustNobody) warnUntrusted(peer)\n',
    tests: ['client-address.test.ts'],
  },
  {
    name: 'X-Forwarded-For is read from the left',
    file: 'client-address.ts',
    find: 'if (!client || !trust(client.text, hop)) break',
    replace: 'if (!client) break',
    tests: ['client-address.test.ts'],
  },
  {
    name: 'a connection without an address passes',
    file: 'rules/cidr-rule.ts',
    find: "const drops = checked.noAddress !== 'pass'",
    replace: "const drops = checked.noAddress === 'drop'",
    tests: ['rules/address-rules.test.ts'],
  },
]
