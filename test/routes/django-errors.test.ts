import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OptionsError } from '../../lib/options/options-error.ts'
import { djangoRoutes } from '../../lib/routes/django/django-routes.ts'

// biome-ignore lint/suspicious/noExplicitAny: what a caller without types may give
type Anything = any

function errorOf(routes: Anything, options?: Anything): OptionsError {
  try {
    djangoRoutes(routes, options)
  } catch (error) {
    assert.ok(error instanceof OptionsError, String(error))
    return error
  }
  return assert.fail('nothing was thrown')
}

/** Each is refused with a message that names the route and says this. */
const refused: readonly [name: string, route: Anything, says: RegExp][] = [
  ['<year:y>/', '<year:y>/', /"year" is no converter.*"converters"/],
  ['<toString:y>/', '<toString:y>/', /no converter/],
  ['<int: pk>/', '<int: pk>/', /white space/],
  ['<int:1a>/', '<int:1a>/', /no name/],
  ['<a>/<a>/', '<a>/<a>/', /two groups are named "a"/],
  ['/orders/', '/orders/', /second slash.*Did you mean "orders\\?\/"/],
  ['/b', { include: 'a/', routes: ['/b'] }, /in a\/.*Did you mean "b"/],
  ['(?>a)', { re: '(?>a)' }, /atomic/],
  ['a++', { re: 'a++' }, /possessive/],
  ['(a)?(?(1)b|c)', { re: '(a)?(?(1)b|c)' }, /condition/],
  ['(a)?\\\\1', { re: '(a)?\\1' }, /reference to group 1/],
  ['(a )+\\\\1', { re: '(a )+\\1' }, /reference to group 1/],
  ['(?i)(a)\\\\1', { re: '(?i)(a)\\1' }, /case does not matter/],
  ['\\\\N{BULLET}', { re: '\\N{BULLET}' }, /by name/],
  ['a(?i)b', { re: 'a(?i)b' }, /start of a pattern/],
  ['(?L)a', { re: '(?L)a' }, /no flag "L"/],
  ['a**', { re: 'a**' }, /repeated/],
  ['*a', { re: '*a' }, /nothing/],
  ['^*', { re: '^*' }, /nothing/],
  ['a)', { re: 'a)' }, /has no "\("/],
  ['(a', { re: '(a' }, /"\)" should be/],
  ['[a', { re: '[a' }, /"\]" should be/],
  ['[b-a]', { re: '[b-a]' }, /range/],
  ['[\\\\w-z]', { re: '[\\w-z]' }, /range/],
  ['\\\\y', { re: '\\y' }, /no escape/],
  ['\\\\p{L}', { re: '\\p{L}' }, /no escape/],
  ['\\\\2(a)', { re: '\\2(a)' }, /no group 2/],
  ['(a\\\\1)', { re: '(a\\1)' }, /itself/],
  ['(?P=x)', { re: '(?P=x)' }, /no group "x"/],
  ['(?<x>a)', { re: '(?<x>a)' }, /no group/],
  ['a{2,1}', { re: 'a{2,1}' }, /ends before/],
  ['[a', { include: { re: '[a' }, routes: [] }, /"\]" should be/],
  ['<x:a>', { i18n: ['<x:a>'] }, /no converter/],
]

describe('djangoRoutes refuses', () => {
  for (const [name, route, says] of refused) {
    it('a folder that is the whole project', () => {
      for (const [prefix, media] of [
        ['/app', '/app/'],
        ['/app', '/'],
        ['', '/'],
        ['/app/in', '/app/'],
      ])
        assert.throws(() => djangoRoutes([''], { prefix, media }), OptionsError)
    })

    it(JSON.stringify(route), () => {
      const error = errorOf(['fine/', route], { languages: ['en'] })
      assert.equal(error.code, 'DROP444_INVALID_ENTRY')
      assert.ok(error.message.includes(`"${name}" in "routes"`), error.message)
      assert.match(error.message, says)
    })
  }

  it('a converter whose regex cannot be read', () => {
    assert.match(errorOf(['<y:y>/'], { converters: { y: '(?>a)' } }).message, /"<y:y>\/" in "routes".*atomic/)
  })

  it('what is no route', () => {
    for (const route of [
      7,
      null,
      {},
      [],
      { path: 7 },
      { re: /a/ },
      { include: 7, routes: [] },
      /a/,
      { include: 'a' },
    ]) {
      assert.equal(errorOf([route]).code, 'DROP444_INVALID_ENTRY', String(route))
    }
    assert.match(errorOf([{ path: 'a', name: 'x' }]).message, /"a" in "routes".*unknown "name"/)
    assert.match(errorOf([{ path: 'a', appendSlash: 1 }]).message, /"appendSlash"/)
  })

  it('what is no list', () => {
    for (const routes of [[], '', 'a/', { routes: [] }, { routes: {} }]) {
      assert.match(errorOf(routes).message, /"routes"/)
    }
    assert.equal(errorOf(undefined).code, 'DROP444_MISSING_OPTION')
  })

  it('options that mean nothing', () => {
    const bad: readonly [option: string, value: unknown][] = [
      ['static', '/'],
      ['static', '/static'],
      ['media', ''],
      ['prefix', 'app'],
      ['languages', 'en'],
      ['languages', ['en de']],
      ['defaultLanguage', ''],
      ['appendSlash', 1],
      ['converters', { a: /a/ }],
      ['converters', []],
    ]
    for (const [option, value] of bad) {
      const error = errorOf(['a/'], { [option]: value })
      assert.deepEqual([error.code, error.option], ['DROP444_INVALID_OPTION', option], JSON.stringify(value))
    }
    assert.equal(errorOf(['a/'], { append_slash: true }).didYouMean, 'appendSlash')
    assert.equal(errorOf({ routes: ['a/'], apendSlash: true }).didYouMean, 'appendSlash')
    assert.equal(errorOf(['a/'], []).option, 'options')
  })

  it('i18n routes without languages', () => {
    const { code, option } = errorOf([{ i18n: ['a/'] }])
    assert.deepEqual([code, option], ['DROP444_MISSING_OPTION', 'languages'])
  })
})
