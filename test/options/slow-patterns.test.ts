import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { djangoRoutes } from '../../lib/django.ts'
import { badAgent, knownRoutes, noHost, pathAllowlist, protect, unprotect } from '../../lib/index.ts'
import { type AnyApp, answer, type Version, versions } from '../routes/express-apps.ts'

/** The warnings about slow patterns that a piece of work gives. */
async function warnings(work: () => unknown): Promise<string[]> {
  const found: string[] = []
  const listen = (warning: Error & { code?: string }) => {
    if (warning.code === 'DROP444_SLOW_PATTERN') found.push(warning.message)
  }
  process.on('warning', listen)
  try {
    await work()
    // knownRoutes looks at the routes when the app's file has been read.
    for (let i = 0; i < 4; i++) await new Promise(resolve => setImmediate(resolve))
  } finally {
    process.off('warning', listen)
  }
  return found
}

const cases: readonly [name: string, work: () => unknown, said: RegExp | undefined][] = [
  ['a server name', () => noHost({ serverNames: [/^(a+)+\.example$/] }), /^noHost, "serverNames".*\(a\+\)\+/],
  [
    'a server name that only grows with its square',
    () => noHost({ serverNames: [/[a-z]+\.example$/] }),
    undefined,
  ],
  ['an agent', () => badAgent({ patterns: [/^(b+)+$/] }), /^badAgent, "patterns".*doubles/],
  [
    'an agent that is looked for anywhere',
    () => badAgent({ patterns: [/b\d+$/, /\d+x/] }),
    /\/\\d\+x\/ grows faster/,
  ],
  ['an agent that is let pass', () => badAgent({ allow: [/^(d+)+$/] }), /^badAgent, "allow"/],
  [
    'an entry of crawler-user-agents',
    () => badAgent({ patterns: [{ pattern: '(?:e+)+$' }] }),
    /\(\?:e\+\)\+\$ doubles/,
  ],
  ['words', () => badAgent({ patterns: ['(f+)+$'] }), undefined],
  ['a path', () => pathAllowlist([/^\/(g+)+$/]), /^pathAllowlist: .*\(g\+\)\+/],
  [
    'four paths',
    () => pathAllowlist(['h', 'i', 'j', 'k'].map(l => new RegExp(`^/(${l}+)+$`))),
    /; and 1 more/,
  ],
  ['a path that is quick', () => pathAllowlist([/^\/users\/\d+$/]), undefined],
  ['globs', () => pathAllowlist(['/**/a/**/a/**/b', '/*-*-*']), undefined],
  ['a re_path()', () => djangoRoutes([{ re: '^(l+)+$' }]), /^djangoRoutes: .*"\^\(l\+\)\+\$"/],
  ['a prefix', () => djangoRoutes([{ include: { re: '^(m+)+/' }, routes: [''] }]), /\(m\+\)\+/],
  [
    "a converter of the project's",
    () => djangoRoutes(['<x:n>/'], { converters: { x: '(?:n+)+' } }),
    /"<x:n>\/"/,
  ],
  [
    "Django's own converters",
    () => djangoRoutes(['<str:a>-<str:b>-<path:c>/', '<slug:a><int:b>']),
    undefined,
  ],
]

for (const [name, work, said] of cases) {
  test(`${name}: ${said ? 'one warning' : 'none'}`, async () => {
    const found = await warnings(work)
    assert.equal(found.length, said ? 1 : 0, found.join('\n'))
    if (said) assert.match(found[0] as string, said)
    assert.deepEqual(await warnings(work), [], 'the same is said once')
  })
}

test('protect: one warning', async () => {
  const server = createServer()
  const found = await warnings(() => protect(server, { serverNames: [/^(o+)+$/] }))
  unprotect(server)
  assert.equal(found.length, 1)
})

for (const version of ['express4', 'express5'] as Version[]) {
  const appWith = (build: (app: AnyApp) => unknown, also?: RegExp[]) => () => {
    const app = versions[version]()
    knownRoutes(app, { also })
    build(app)
  }
  const isFour = version === 'express4'
  const routed: readonly [name: string, work: () => unknown, said: RegExp | undefined][] = [
    ['a RegExp', appWith(app => app.get(/^\/(p+)+$/, answer)), /^knownRoutes: .*\(p\+\)\+/],
    ['a RegExp among several', appWith(app => app.get(['/q', /^\/(q+)+$/], answer)), /\(q\+\)\+/],
    [
      'a mount path',
      appWith(app => app.use(/^\/(r+)+$/, versions[version].Router().get('/x', answer) as never)),
      /\(r\+\)\+/,
    ],
    [
      'a route of a router',
      appWith(app => app.use('/s', versions[version].Router().get(/^\/(s+)+$/, answer) as never)),
      /\(s\+\)\+/,
    ],
    ['"also"', appWith(() => {}, [new RegExp(`^/${version}/(t+)+$`)]), /^knownRoutes, "also"/],
    ['parameters', appWith(app => app.get('/u/:a-:b/:c', answer)), undefined],
    [
      'two parameters in a segment with nothing between',
      appWith(app => app.get(isFour ? '/v:a?:b?' : '/v{:a}', answer)),
      isFour ? /\/v:a\?:b\? grows faster/ : undefined,
    ],
  ]
  for (const [name, work, said] of routed) {
    test(`${version}, ${name}: ${said ? 'one warning' : 'none'}`, async () => {
      const found = await warnings(work)
      const about = found.filter(message => !said || said.test(message))
      assert.equal(about.length, said ? 1 : 0, found.join('\n'))
    })
  }
}
