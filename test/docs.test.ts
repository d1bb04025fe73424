import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, dirname, join, relative, sep } from 'node:path'
import { after, describe, it } from 'node:test'
import * as api from '../lib/index.ts'
import { root, run, tsc } from './package/tree.ts'
import {
  anchor,
  codeBlocks,
  codeRows,
  headings,
  literalsOf,
  membersOf,
  page,
  pages,
  read,
  section,
} from './support/docs.ts'
import { commonOptions, ownOptionsOf, pageOf, reasonsOf, ruleFactories } from './support/factories.ts'

const common = commonOptions

/** Each factory's page, and the options that are its own. */
const factories: Readonly<Record<string, { file: string; options: readonly string[] }>> = Object.fromEntries(
  [...ruleFactories, 'rule', 'protect'].map(name => [
    name,
    { file: pageOf(name), options: ownOptionsOf(name) },
  ]),
)

const doc = (file: string) => page(`docs/${file}`)
const sorted = (values: Iterable<string>) => [...values].sort()

/** The rows of the table of options; a page has other tables too: forms of a name, kinds of an entry. */
function optionsIn(text: string): string[] {
  const table = /^\| option \|.*\n(?:\|.*\n)+/m.exec(text)?.[0] ?? ''
  return sorted(codeRows(table).keys())
}

describe('docs: examples', () => {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const directory = mkdtempSync(join(root, '.cache', 'docs-'))
  after(() => rmSync(directory, { recursive: true, force: true }))

  const lib = (entry: string) => relative(directory, join(root, 'lib', entry)).replaceAll(sep, '/')
  const ours = /from 'drop444(?:\/(?:django|redis|stores))?'/
  const files = pages.flatMap(each =>
    codeBlocks(each, 'ts')
      .filter(code => ours.test(code))
      .map((code, index) => {
        const file = `${basename(each.name, '.md')}-${index + 1}.ts`
        const runs = code
          .replaceAll("'drop444'", `'${lib('index.ts')}'`)
          .replaceAll("'drop444/django'", `'${lib('django.ts')}'`)
          .replaceAll("'drop444/redis'", `'${lib('redis.ts')}'`)
          .replaceAll("'drop444/stores'", `'${lib('stores.ts')}'`)
          .replaceAll('.listen(3000)', ".listen(0, '127.0.0.1')")
          .replaceAll('port: 3000', 'port: 0')
        writeFileSync(join(directory, file), runs)
        return file
      }),
  )

  it('every page that should have one has one, complete with its imports', () => {
    for (const { file } of Object.values(factories))
      assert.ok(files.includes(`${basename(file, '.md')}-1.ts`))
    assert.ok(files.includes('README-1.ts'))
    for (const each of pages.filter(({ name }) => name !== 'README.md'))
      for (const code of codeBlocks(each, 'ts')) assert.match(code, ours, each.name)
  })

  it('type-check', () => {
    const config = {
      extends: '../../tsconfig.json',
      compilerOptions: { noUnusedLocals: false },
      include: ['*.ts'],
    }
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ ...config, exclude: [] }))
    tsc(['-p', '.'], directory)
  })

  it('run, and write nothing by themselves', () => {
    // What needs a server beside it is run by the suite of that server.
    const alone = files.filter(file => !/lib\/redis\.ts'/.test(readFileSync(join(directory, file), 'utf8')))
    const imports = alone.map(file => `await import('./${file}')\n`).join('')
    // One process for all: each example has a log of its own.
    const quiet = "import { EventEmitter } from 'node:events'\nEventEmitter.defaultMaxListeners = 100\n"
    writeFileSync(join(directory, 'all.mts'), `${quiet}${imports}console.log('all ran')\nprocess.exit()\n`)
    assert.equal(run(process.execPath, ['--import', 'tsx', 'all.mts'], directory), 'all ran\n')
  })
})

describe('docs: links', () => {
  const anchors = new Map(pages.map(each => [each.name, headings(each).map(anchor)]))

  for (const { name, prose } of pages) {
    it(`of ${name} lead somewhere`, () => {
      for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue
        const [path = '', fragment] = target.split('#')
        const file = path === '' ? name : join(dirname(name), path).replaceAll(sep, '/')
        assert.ok(existsSync(join(root, file)), `${target}: no such file`)
        if (fragment !== undefined)
          assert.ok(anchors.get(file)?.includes(fragment), `${target}: no such heading`)
      }
    })
  }

  it('files of the source that a page names are there', () => {
    const named = pages.flatMap(({ name, prose }) =>
      [...prose.matchAll(/`((?:[\w-]+\/)+[\w-]+(?:\.\w+)?\.ts)`/g)].map(
        ([, file]) => [name, file as string] as const,
      ),
    )
    assert.ok(named.length > 15)
    const isThere = (file: string) => ['.', 'lib'].some(folder => existsSync(join(root, folder, file)))
    // A rule that the reader is about to write.
    const missing = named.filter(([, file]) => !file.includes('/my-rule') && !isThere(file))
    assert.deepEqual(missing, [])
  })

  it('of an index reach every page of its folder, and the other indexes', () => {
    for (const { name } of pages.filter(each => /^docs\/(?!index\.md)/.test(each.name))) {
      const own = name.endsWith('/index.md') ? 'docs' : dirname(name)
      const link = `](${name.slice(own.length + 1)})`
      assert.ok(page(`${own}/index.md`).prose.includes(link), name)
    }
  })
})

describe('docs: factories', () => {
  it('each has its page', () => {
    const others = [
      'MemoryStore',
      'OptionsError',
      'cidrSet',
      'drop',
      'dropLog',
      'fromExpressRateLimit',
      'knownRoutes',
      'onDrop',
      'onStoreChange',
      'unprotect',
    ]
    const functions = Object.entries(api).filter(([, value]) => typeof value === 'function')
    const names = functions.map(([name]) => name).filter(name => !others.includes(name))
    assert.deepEqual(sorted(Object.keys(factories)), sorted(names))
  })

  for (const [factory, { file, options }] of Object.entries(factories)) {
    it(`${file} has the same headings as the others`, () => {
      assert.deepEqual(headings(doc(file), '1'), [factory])
      assert.deepEqual(headings(doc(file), '2'), [
        'What it drops',
        'Use',
        'Options',
        'Reasons',
        'Where we cannot know',
        'Compared with nginx',
        'Limits',
      ])
    })

    it(`${file} names every option, and none that is not there`, () => {
      const text = section(doc(file), 'Options')
      assert.deepEqual(optionsIn(text), sorted(new Set(options)))
      assert.ok(text.includes('[common options](common-options.md)'))
    })

    it(`${file} gives its reasons`, () => {
      // An empty Host is legal, and only noHost's to drop.
      const used = reasonsOf(factory).filter(
        reason => factory !== 'protect' || reason !== api.Reason.EMPTY_HOST,
      )
      assert.deepEqual(sorted(codeRows(section(doc(file), 'Reasons')).keys()), used)
    })
  }
})

describe('docs: reference', () => {
  it('common-options.md, drop.md and logging.md name every option', () => {
    assert.deepEqual(optionsIn(doc('common-options.md').text), sorted(common))
    const own = [...membersOf('lib/drop.ts', 'DropInfo'), ...membersOf('lib/wire/drop-how.ts', 'DropHow')]
    assert.deepEqual(optionsIn(doc('drop.md').text), sorted(own))
    assert.deepEqual(
      optionsIn(doc('logging.md').text),
      sorted(membersOf('lib/log/drop-log.ts', 'DropLogOptions')),
    )
  })

  it('events.md names every field, action and reason', () => {
    const events = doc('events.md')
    const rows = (title: string) => sorted(codeRows(section(events, title)).keys())
    assert.deepEqual(
      rows('Fields'),
      sorted([
        ...membersOf('lib/events/drop-event.ts', 'DropEvent'),
        ...membersOf('lib/request/request-facts.ts', 'RequestFacts'),
      ]),
    )
    const actions = [...read('lib/events/drop-event.ts').matchAll(/^ {2}\| '([a-z-]+)'$/gm)].map(
      ([, action = '']) => action,
    )
    assert.deepEqual(rows('Actions'), sorted(actions))
    assert.deepEqual(rows('Reasons'), sorted(Object.values(api.Reason)))
    for (const [name, reason] of Object.entries(api.Reason))
      assert.equal(codeRows(section(events, 'Reasons')).get(reason)?.[0], `\`Reason.${name}\``)
  })

  it('every reason has an answer, in a-visitor-was-dropped.md or on the page of its rule', () => {
    const answers = section(doc('a-visitor-was-dropped.md'), 'How to let them in')
    // The third column of the table of reasons, where a page has one.
    const onPages = Object.values(factories).flatMap(({ file }) => {
      const reasons = section(doc(file), 'Reasons')
      const hasAnswers = /^\| reason \| detail \| to let them in \|$/m.test(reasons)
      return hasAnswers ? [...codeRows(reasons)].filter(([, [, answer = '']]) => answer.length > 5) : []
    })
    for (const reason of Object.values(api.Reason).filter(each => each !== 'drop'))
      assert.ok(answers.includes(`\`${reason}\``) || onPages.some(([each]) => each === reason), reason)
  })

  it('errors.md has a section for every code, and for no other', () => {
    const errors = literalsOf('lib/options/options-error.ts', 'OptionsErrorCode')
    const warnings = literalsOf('lib/diagnostics/warnings.ts', 'WarningCode')
    assert.deepEqual(sorted(headings(doc('errors.md'), '3')), sorted([...errors, ...warnings]))
    for (const code of [...errors, ...warnings])
      assert.ok(
        section(doc('errors.md'), code).trim().split('\n\n').length >= 2,
        `${code}: meaning and remedy`,
      )
  })

  it('errors.md quotes what is really said', () => {
    const given: (() => unknown)[] = [
      () => api.noHost({ headers: {}, httpVersion: '1.1' } as never),
      () => api.rateLimit({ rate: '1r/s', windowMs: 1 } as never),
      () => api.rateLimit({} as never),
      () => api.rateLimit({ rate: '1r/s', burst: '5' as never }),
      () => api.denyCidr(['192.0.2.1', '192.0.2.2', '192.0.2.3', '10.0.0.0/33']),
      () => api.protect(api.protect(createServer())),
    ]
    for (const [index, code] of literalsOf('lib/options/options-error.ts', 'OptionsErrorCode').entries()) {
      const [, quote = ''] = /^> (.+)$/m.exec(section(doc('errors.md'), code)) ?? []
      assert.notEqual(quote, '')
      assert.throws(given[index] as () => unknown, (error: Error) => {
        assert.ok(error instanceof api.OptionsError)
        assert.equal(error.code, code)
        assert.ok(error.message.startsWith(quote), error.message)
        return true
      })
    }
  })

  it('the pages on proxies show the examples that are tested, whole', () => {
    const examples = {
      nginx: 'nginx.conf',
      haproxy: 'haproxy.cfg',
      caddy: 'Caddyfile',
      apache: 'apache.conf',
    }
    for (const [proxy, file] of Object.entries(examples)) {
      const [shown] = codeBlocks(doc(`behind-a-proxy/${proxy}.md`), proxy)
      assert.equal(shown, read(`examples/behind-a-proxy/${file}`), file)
    }
    const [, inner] = codeBlocks(doc('behind-a-proxy/nginx.md'), 'nginx')
    assert.equal(inner, read('examples/behind-a-proxy/nginx-inner.conf'))
  })

  it('bad-agent.md says of every scanner why', () => {
    const rows = codeRows(section(doc('bad-agent.md'), 'What it drops'))
    assert.deepEqual(sorted(rows.keys()), sorted(api.scannerAgents))
    for (const [agent, [why = '']] of rows) assert.ok(why.length > 5, agent)
  })
})
