/** The same numbers from 0 to 1 on every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const uuid = '0b5e7f3c-9d1a-4c52-8f0e-3a6d2b1c4e5f'

/** Paths that the project has, and near misses. */
const ordinary = `
/ /admin/ /admin/login/ /admin/auth/ /admin/auth/user/ /admin/auth/user/7/change/ /admin/auth/user/7/password/
/admin/auth/group/a/b/history/ /admin/r/7/a/b/ /admin/none /shop/ /shop/orders/ /shop/orders/7/ /shop/orders/7/lines/
/shop/orders/7/lines/3/ /shop/orders/7/lines/3/notes /shop/orders/7/lines/ab-ab/ /shop/second/ /shop/a-b.c
/shop/orders/7/lines/ab-abc/ /shop/a-b-c.d.e /shop/export.csv /shop/export.json /shop/old/word/ /shop/old/word
/shop/thing_1/${uuid}/ /users/ann/ /users/ann/edit /files/a/b.txt /files/a/list/ /tags/a-b_1/ /numbers/12/ /numbers/1/
/keys/${uuid} /years/1999/ /years/2024/12/ /years/1899/ /quiet/ /quiet /no%20(plain)%20[text].*+%3F/
/b%C3%BCro/stra%C3%9Fe/ /a%20b/ /slashless/inside/ /7/home/ /7/ /7/xxx /articles/2024/ /articles/2024/12/a-b/
/digits/12/ab/ /spaces/a%20b /dollar/a /dollar/b /price$ /end/ /case/strasse-kss/ /CASE/STRASSE-KS/
/case/straSSe-%C5%BFk/ /case/strasse-%E2%84%AA/ /verbose/a/ /dots/a%0Ab/ /word/foo /word/foo-bar /word/foot
/x/anywhere/ /anywhere/ /open/abb/c /open/bbcc/ /open/aaabbc/ /class/a%5D-./ /page/ /page/3/ /tail/x /tail/xy/
/before/word/ /before/mysecret/ /ab-name/ /%C3%A9%C3%A9-name/ /a1-name/ /part/in/slug/ /part/in/ /about/ /en/about/
/de/about/ /pt-br/about/ /zh-hans/news/7/ /zh-cn/news/7/ /news/7/ /pt/about/ /DE/about/ /de-at/about/ /en/deep/
/de/deep/7/ /deep/7/notes /xx/about/ /en-us/about/ /wp-login.php /.env
`

const unprefixed = `
/ /about/ /en/ /de/ /de /en/about/ /de/about/ /pt-br/about/ /zh-cn/about/ /de-at/about/ /pages/a/b/ /de/pages/a/
/any/in/ /de/in/ /de-at/in/ /a-b/in/ /en/in/ /api/name/ /de/api/name/ /shop/ /shop/7/ /de/shop/7/ /en/shop/7/
/en-us/about/ /en-us/in/ /xx/about/ /zh-hans/pages/a/ /DE/about/ /de@x/in/ /.env
`

const translated = `
/ /plain/a/b/ /plain/a-1/b_2/ /en/plain/a/b/ /plain/a/ /January /Januar /Janeiro /en/May /en/Mai /de/Mai /de/May /May
/Mai /de/fixed/ /fixed/ /de/ /en/ /pt-br/Maio /pt-br/fixed/ /zh-hans/fixed/ /%E4%B8%80%E6%9C%88 /zh-cn/fixed/ /.env
`

const listOf = (text: string): readonly string[] => text.trim().split(/\s+/)

export const real = {
  ordinary: listOf(ordinary),
  unprefixed: listOf(unprefixed),
  translated: listOf(translated),
}

const pieces = [
  ...[
    '/',
    '//',
    '.',
    '..',
    '/../',
    '/./',
    '-',
    '_',
    '%',
    '%2',
    '%zz',
    '%2F',
    '%2e',
    '%0A',
    '%0D',
    '%00',
    '%20',
    '%25',
  ],
  ...[
    '%C3%A9',
    '%C3',
    '%FF',
    '%ED%A0%80',
    '%E2%80%A8',
    '%F0%9F%98%80',
    '%C0%AF',
    '%D9%A3',
    '%EF%BC%91',
    '%C2%B2',
  ],
  ...[
    '%EF%BB%BF',
    '%C2%85',
    '%1F',
    '%C5%BF',
    '%E2%84%AA',
    '%C4%B0',
    '%C4%B1',
    '%EA%AF%80',
    '%CC%81',
    '%E0%A4%95',
  ],
  ...[
    'é',
    '\u00c3\u00a9',
    '\u00ff',
    'a',
    'Z',
    '0',
    '7',
    '+',
    ';',
    '$',
    '@',
    'de',
    'en',
    'pt-br',
    '#',
    '~',
    ']',
    '&&',
  ],
]

/** Paths like the real ones: changed, cut, joined, encoded otherwise. */
export function generatePaths(from: readonly string[], count: number, seed: number): string[] {
  const next = numbers(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T
  const cut = (path: string) => Math.floor(next() * (path.length + 1))

  function changed(path: string): string {
    const at = cut(path)
    const [before, after] = [path.slice(0, at), path.slice(at)]
    const ways: readonly (() => string)[] = [
      () => before + pick(pieces) + after,
      () => path + pick(pieces),
      () => before + after.slice(1),
      () => before,
      () => path.replace(/\/$/, ''),
      () => path.replace(/\d+/g, () => String(Math.floor(next() * 10_000))),
      () => path.replace(/[a-z]+(?=\W*$)/, word => word + pick([...'abkxz', '-a', '_1', '%C3%A9'])),
      () => path.replace(/([a-z])([a-z]*\W*)$/, `${pick(['b', '%73', '%C3%A9'])}$2`),
      () => `${path}%0A`,
      () => `${path}/`,
      () => path.replace(/[a-z]/g, letter => letter.toUpperCase()),
      () => before + after.replace(/^[a-z]/, letter => letter.toUpperCase()),
      () => before + encodeFirst(after),
      () => pick(from) + path.slice(1),
      () => `/${pick(['en', 'de', 'pt-br', 'zh-hans', 'pt', 'DE', 'fr', 'xx'])}${path}`,
      () => path.replace(/\d+/, () => pick(['0', '007', '%D9%A3', '1'.repeat(40), '', '-1', '1.5'])),
      () => path.split('/').reverse().join('/'),
    ]
    return pick(ways)()
  }

  return Array.from({ length: count }, () => {
    let path = pick(from)
    for (let changes = next() < 0.75 ? 1 : 2; changes > 0; changes--) path = changed(path)
    // As all that a server hands over.
    return path.startsWith('/') ? path : `/${path}`
  })
}

const encodeFirst = (text: string) =>
  /^[ -~]/.test(text) && !text.startsWith('%')
    ? `%${text.charCodeAt(0).toString(16).padStart(2, '0')}${text.slice(1)}`
    : text

/** What only the length makes hard: a number that Python doesn't read, many segments, much to go back over. */
export const long: readonly string[] = [
  ...[4299, 4300, 4301, 9000].flatMap(length => [
    `/shop/orders/${'1'.repeat(length)}/`,
    `/${'0'.repeat(length)}/home/`,
    `/numbers/${'1'.repeat(length)}/`,
  ]),
  `/files/${'a/'.repeat(4000)}list/`,
  `/files/${'%0A'.repeat(2000)}`,
  `/shop/${'-.'.repeat(500)}`,
  `/users/${'%E2%82%AC'.repeat(1000)}/`,
  `/${'/'.repeat(5000)}`,
  `/tags/${'a'.repeat(10_000)}/`,
]
