import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sourceGraph } from '../package/graph.ts'
import { root } from '../package/tree.ts'

/** What Express and Connect keep for themselves, by names that nothing else has. */
const own = ['_router', 'fast_slash', 'lazyrouter', 'rawPath', 'regexp', 'mounted_app', 'trust proxy fn']

/** The same, by names that others have too: as a variable they mean something else. */
const shared = ['stack', 'router', 'slash']

const name = `(?:${shared.join('|')})`
const reads = [
  new RegExp(`(?<![\\w$])(?:${own.join('|')})(?![\\w$])`, 'g'),
  // As a field of something, in a type, or taken out of an object.
  new RegExp(`\\w[?!]?\\.${name}(?![\\w$])`, 'g'),
  new RegExp(`\\[['"]${name}['"]\\]|, ['"]${name}['"]`, 'g'),
  new RegExp(`readonly ${name}(?![\\w$])|(?<![\\w$.])${name}\\?:`, 'g'),
  new RegExp(`\\{[^{}()]*(?<![\\w$.'])${name}(?![\\w$])[^{}()]*\\}\\s*(?:=(?![=>])|:)`, 'g'),
]

/** It reads the `stack` of an error. */
const ofErrors = 'lib/diagnostics/thrown.ts'

const withoutComments = (source: string) =>
  source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')

const found = (source: string) => reads.flatMap(read => withoutComments(source).match(read) ?? [])

describe("Express's insides", () => {
  test('are read in lib/express/ alone', () => {
    const files = [...sourceGraph().keys()].filter(
      file => !file.startsWith('lib/express/') && file !== ofErrors,
    )
    assert.ok(files.length > 100)
    const wrong = files.flatMap(file =>
      found(readFileSync(join(root, file), 'utf8')).map(read => `${file}: ${read}`),
    )
    assert.deepEqual(wrong, [])
  })

  test('lib/express/ knows of the rest of lib/ the matchers, the diagnostics and the runtime', () => {
    const targets = [...sourceGraph()]
      .filter(([file]) => file.startsWith('lib/express/'))
      .flatMap(([file, imports]) => imports.map(target => `${file} > ${target}`))
    assert.ok(targets.length > 10)
    assert.deepEqual(
      targets.filter(each => !/ > lib\/(?:express|match|runtime|diagnostics)\//.test(each)),
      [],
    )
  })

  test('are found where they are read, and a variable of such a name is none', () => {
    const yes = [
      'app._router',
      "app.get('trust proxy fn')",
      'layer.regexp?.source',
      'router.stack.map(x => x)',
      'const { stack } = router',
      '({ slash, name }: Layer) => slash',
      "Reflect.get(app, 'router')",
      "app['stack']",
      'interface Routing { readonly stack?: unknown }',
      'app.router?.stack',
    ]
    for (const source of yes) assert.notDeepEqual(found(source), [], source)
    const no = [
      'const router = routerOf(app)',
      'findRoute(router, method)',
      'if (slash < 0) return path.slice(slash)',
      'function find(router: Router | undefined, slash: number) {}',
      "x ? { kind: 'slash' } : y",
      '// the `stack` of a router: app.stack',
      'stackOf(app)',
    ]
    for (const source of no) assert.deepEqual(found(source), [], source)
  })
})
