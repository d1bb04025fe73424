import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type DjangoExport, djangoRoutes } from '../../lib/django.ts'
import { compileTaken } from '../../lib/match/paths/taken-away.ts'
import { pathInfoOf } from '../../lib/routes/django/path-info.ts'
import { askDjango, exportRoutes, type Project, requireDjango } from '../support/django.ts'
import { hasPath } from './django-has.ts'
import { generatePaths, long, real } from './django-paths.ts'

interface Comparison {
  readonly name: string
  readonly settings: Project
  readonly from: readonly string[]
  readonly count: number
}

const { ordinary, unprefixed, translated } = real

const comparisons: readonly Comparison[] = [
  { name: 'every kind of route, and the admin', settings: {}, from: ordinary, count: 6000 },
  { name: 'APPEND_SLASH off', settings: { PROJECT_APPEND_SLASH: '0' }, from: ordinary, count: 4000 },
  { name: 'no LocaleMiddleware', settings: { PROJECT_LOCALE: '0' }, from: ordinary, count: 2000 },
  {
    name: 'the default language without a prefix',
    settings: { PROJECT_URLCONF: 'urls_unprefixed' },
    from: unprefixed,
    count: 5000,
  },
  {
    name: 'a default language that is not listed itself',
    settings: { PROJECT_URLCONF: 'urls_unprefixed', PROJECT_LANGUAGE_CODE: 'en-us' },
    from: unprefixed,
    count: 2000,
  },
  {
    name: 'translated routes',
    settings: { PROJECT_URLCONF: 'urls_translated', PROJECT_LANGUAGE_CODE: 'de' },
    from: translated,
    count: 4000,
  },
]

describe('djangoRoutes and Django', { skip: requireDjango() }, () => {
  it('give the same answer with the export in ten lines and the settings by hand', () => {
    const short = exportRoutes({}, 'short')
    const { routes: _routes, static: _static, media: _media, ...settings } = exportRoutes()
    const has = hasPath(djangoRoutes(short, settings))
    const paths = [...new Set([...ordinary, ...generatePaths(ordinary, 2000, 77)])]
    const answers = askDjango(paths)
    // That this view appends no slash is known to the longer export alone.
    const wrong = paths.filter((path, i) => has(path) !== answers[i] && path !== '/quiet')
    assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${paths.length} differ`)
  })

  it('beside a ! what Django serves is left, but for what the pattern names', () => {
    const isTaken = compileTaken(['/shop/**'], { caseSensitive: true, strict: false })
    const paths = [...new Set([...ordinary, ...generatePaths(ordinary, 3000, 78)])]
    const answers = askDjango(paths)
    const served = paths.filter((_, i) => answers[i])
    const named = served.filter(path => pathInfoOf(path).startsWith('/shop/'))
    assert.deepEqual(
      named.filter(path => !isTaken(path)),
      [],
    )
    const others = served.filter(path => !/sho|%/i.test(path))
    assert.deepEqual(others.filter(isTaken), [])
    assert.ok(named.length > 20 && others.length > 20, `${named.length}, ${others.length}`)
  })

  for (const [seed, { name, settings, from, count }] of comparisons.entries()) {
    describe(name, () => {
      let exported: DjangoExport
      before(() => {
        exported = exportRoutes(settings)
      })

      it('give the same answer', () => {
        // What a server in front of Django serves Django can't be asked about.
        const has = hasPath(djangoRoutes({ ...exported, static: undefined, media: undefined }))
        const paths = [...new Set([...from, ...long, ...generatePaths(from, count, seed + 1)])]
        const answers = askDjango(paths, settings)
        const wrong = paths.filter((path, i) => has(path) !== answers[i])
        assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${paths.length} differ`)
        // Or little was compared.
        const found = answers.filter(Boolean).length
        assert.ok(found > paths.length / 20 && found < paths.length * 0.9, `${found} of ${paths.length}`)
        assert.ok(paths.length > count / 3, `${paths.length}`)
      })
    })
  }
})
