import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Request } from '../../lib/request/http-types.ts'
import { djangoRoutes } from '../../lib/routes/django/django-routes.ts'
import { pathAllowlist } from '../../lib/rules/path-allowlist.ts'
import { Site } from '../support/ask.ts'
import { hasPath } from './django-has.ts'

/** Which of the paths are listed. */
function listed(routes: ReturnType<typeof djangoRoutes>, paths: readonly string[]): string[] {
  return paths.filter(hasPath(routes))
}

const uuid = '0b5e7f3c-9d1a-4c52-8f0e-3a6d2b1c4e5f'

const matching: readonly { route: Parameters<typeof djangoRoutes>[0]; yes: string[]; no: string[] }[] = [
  { route: [''], yes: ['/', '/?a=b', 'http://example.com'], no: ['//', '/a', '*'] },
  {
    route: ['orders/<int:pk>/'],
    yes: ['/orders/7/', '/orders/7', '/orders/%37/', 'http://example.com/orders/7/?a'],
    no: ['/orders/', '/orders/-7/', '/orders/%D9%A3/', '/orders/7/%0A', '/Orders/7/', '//orders/7/'],
  },
  { route: ['<str:a>'], yes: ['/é', '/a%0A', '/..', '/%FF', '/%F0%9F%98%80'], no: ['/', '/a/b', '/a%2Fb'] },
  { route: ['<a>/'], yes: ['/x/'], no: ['/x/y'] },
  { route: ['<slug:a>'], yes: ['/a-B_9'], no: ['/é', '/a.b', '/%FF'] },
  { route: ['<uuid:a>'], yes: [`/${uuid}`], no: [`/${uuid.toUpperCase()}`, `/${uuid}0`] },
  { route: ['<path:a>/x'], yes: ['/a/b/x', '/x/x/x'], no: ['/x', '/a%0Ab/x'] },
  { route: ['%FF'], yes: ['/%FF', '/%ff', '/\u00ff', '/%25FF'], no: ['/%C3%BF'] },
  { route: ['é', '\u{1f600}'], yes: ['/%C3%A9', '/\u00c3\u00a9', '/%F0%9F%98%80'], no: ['/%E9', '/\u00e9'] },
  { route: [{ re: '^a$' }], yes: ['/a'], no: ['/a%0A', '/ab', '/ba'] },
  { route: [{ re: 'a' }], yes: ['/xay'], no: ['/x'] },
  { route: [{ re: '^(?P<y>\\d{4})/$' }], yes: ['/2024/', '/%D9%A3%D9%A3%D9%A3%D9%A3/'], no: ['/20244/'] },
  { route: [{ include: 'a/', routes: ['b/'] }], yes: ['/a/b/', '/a/b'], no: ['/a/', '/b/'] },
  { route: [{ include: '<path:p>/', routes: ['b'] }], yes: ['/a/b', '/a/b/b'], no: ['/a/b/c', '/a/b/'] },
  { route: [{ include: { re: '^a+' }, routes: ['ab'] }], yes: [], no: ['/aab'] },
  { route: [{ include: 'a', routes: ['/b'] }, 'a/c'], yes: ['/a/b', '/a/c'], no: ['/ab'] },
  { route: [{ path: 'a/', appendSlash: false }], yes: ['/a/'], no: ['/a'] },
]

describe('djangoRoutes', () => {
  for (const { route, yes, no } of matching) {
    it(JSON.stringify(route), () => {
      assert.deepEqual(listed(djangoRoutes(route), [...yes, ...no]), yes)
    })
  }

  it('does not append a slash with appendSlash: false', () => {
    assert.deepEqual(listed(djangoRoutes(['a/'], { appendSlash: false }), ['/a/', '/a']), ['/a/'])
  })

  it('reads no number that Python does not read', () => {
    const has = hasPath(djangoRoutes(['<int:a>', { include: '<int:a>/', routes: ['x'] }]))
    const digits = '1'.repeat(4300)
    assert.deepEqual(
      [digits, `${digits}1`, `${digits}/x`, `${digits}1/x`].map(path => has(`/${path}`)),
      [true, false, true, false],
    )
  })

  it('takes converters of the project, also in place of a built-in one', () => {
    const routes = djangoRoutes(['<yyyy:y>/', 'n/<int:n>'], {
      converters: { yyyy: '[0-9]{4}', int: '-?\\d+' },
    })
    assert.deepEqual(listed(routes, ['/2024/', '/24/', '/n/-7']), ['/2024/', '/n/-7'])
  })

  it('reads a number no further than Python does, beside a converter of the project too', () => {
    const routes = djangoRoutes(['<yyyy:y>/<int:n>'], { converters: { yyyy: '[0-9]{4}' } })
    const long = '1'.repeat(4300)
    assert.deepEqual(listed(routes, [`/2024/${long}`, `/2024/${long}1`]), [`/2024/${long}`])
  })

  it('is mounted under a prefix', () => {
    for (const prefix of ['/app', '/app/']) {
      const routes = djangoRoutes(['', 'a/'], { prefix })
      const paths = ['/app', '/app/', '/app/a/', '/app/a', '/a/', '/', '/appa/', '/%61pp/a/']
      assert.deepEqual(listed(routes, paths), ['/app', '/app/', '/app/a/', '/app/a', '/%61pp/a/'])
    }
  })

  it('lists the files under static and media, and nothing beside them', () => {
    const routes = djangoRoutes(['x'], { static: '/static/', media: 'files/', prefix: '/app' })
    const yes = ['/static/', '/static/a/b.css?v=1', '/app/files/%C3%A9.png']
    const no = [
      '/static',
      '/staticx',
      '/static/../x',
      '/static/%2e%2e/x',
      '/files/a',
      '/app/static/a',
      '/static/%00',
    ]
    assert.deepEqual(listed(routes, [...yes, ...no]), yes)
    assert.deepEqual(listed(djangoRoutes(['x'], { static: 'https://cdn.example.com/s/' }), ['/s/a']), [])
  })

  it('knows the prefixes of i18n_patterns, and the redirect to them', () => {
    const routes = [{ i18n: ['', 'about/'] }, 'api']
    const paths = [
      '/de/about/',
      '/de/about',
      '/about/',
      '/about',
      '/',
      '/fr/about/',
      '/de/api',
      '/api',
      '/DE/about/',
    ]
    const options = { languages: ['en', 'de'] }
    assert.deepEqual(listed(djangoRoutes(routes, options), paths), [
      ...['/de/about/', '/de/about', '/about/', '/about', '/', '/api'],
    ])
    const plain = djangoRoutes(routes, { ...options, localeRedirect: false })
    assert.deepEqual(listed(plain, paths), ['/de/about/', '/de/about', '/api'])
    const unprefixed = djangoRoutes(routes, { ...options, prefixDefaultLanguage: false })
    assert.deepEqual(listed(unprefixed, [...paths, '/en/about/']), [
      ...['/de/about/', '/de/about', '/about/', '/about', '/', '/api'],
    ])
    const german = djangoRoutes(routes, { ...options, prefixDefaultLanguage: false, defaultLanguage: 'de' })
    assert.deepEqual(listed(german, ['/en/about/', '/de/about/', '/about/']), ['/en/about/', '/about/'])
  })

  it('takes an export, whose settings options replace', () => {
    const exported = { routes: ['a/'], appendSlash: false }
    assert.deepEqual(listed(djangoRoutes(exported), ['/a/', '/a']), ['/a/'])
    assert.deepEqual(listed(djangoRoutes(exported, { appendSlash: true }), ['/a/', '/a']), ['/a/', '/a'])
  })

  it('judges the whole path where a router has cut it', () => {
    const req = { url: '/b/', originalUrl: '/a/b/' } as unknown as Request
    assert.equal(djangoRoutes(['a/b/']).has(req), true)
    assert.equal(djangoRoutes(['b/']).has(req), false)
  })

  it('stands in pathAllowlist alone, among patterns and spread', async () => {
    const routes = djangoRoutes(['a/<int:n>/', 'x/y'])
    const lists = [pathAllowlist(routes), pathAllowlist(['/b', routes]), pathAllowlist([...routes, '/b'])]
    for (const list of lists) {
      const site = await Site.start([list])
      try {
        assert.equal(await site.ask('/a/7/'), 'pass')
        assert.notEqual(await site.ask('/a/b/'), 'pass')
        assert.notEqual(await site.ask('/a/7/../'), 'pass')
      } finally {
        await site.close()
      }
    }
  })
})
