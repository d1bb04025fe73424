import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as django from '../../lib/django.ts'
import * as drop444 from '../../lib/index.ts'
import * as redis from '../../lib/redis.ts'
import * as stores from '../../lib/stores.ts'
import { ruleFactories, ruleOptionTypes } from '../support/factories.ts'
import { reader } from '../support/reader.ts'
import { bundle, bundledPackages, externals, reachable, sourceGraph } from './graph.ts'
import { sizeOf, sizes } from './sizes.ts'
import { root } from './tree.ts'

/**
 * The public surface, beside the rules, which are exported by the names of their files. A change here is a change for users, and a line
 * in the changelog.
 */
const values = [
  'MemoryStore',
  'OptionsError',
  'Reason',
  'browserPaths',
  'cidrSet',
  'cloudflare',
  'drop',
  'dropLog',
  'fromExpressRateLimit',
  'knownRoutes',
  'onDrop',
  'onStoreChange',
  'protect',
  'rule',
  'scannerAgents',
  'unprotect',
]

/** The sub-path `drop444/django`. */
const djangoValues = ['djangoRoutes']

/** The sub-path `drop444/redis`. */
const redisValues = ['redisStore']

const types = [
  'AddressOptions',
  'AgentPattern',
  'Ban',
  'BanOptions',
  'CallbackError',
  'CidrSet',
  'CommonOptions',
  'DropAction',
  'DropEvent',
  'DropHow',
  'DropInfo',
  'DropLog',
  'DropLogOptions',
  'Duration',
  'Finding',
  'FromExpressRateLimitOptions',
  'HandOff',
  'Http2Mode',
  'Judge',
  'Judgement',
  'KnownRoutesOptions',
  'Limit',
  'LimitBy',
  'LogFormat',
  'Logger',
  'Next',
  'OnStoreError',
  'OptionsErrorCode',
  'ProtectOptions',
  'RateLimitOptions',
  'RateLimitStore',
  'RepeatOffender',
  'RepeatOffenderOptions',
  'Request',
  'Response',
  'RoutedApp',
  'Routes',
  'Rule',
  'StoreEvent',
  'Trust',
  'TrustProxy',
  'WarningCode',
]

const djangoTypes = ['DjangoExport', 'DjangoPattern', 'DjangoRoute', 'DjangoRoutesOptions', 'Routes']

/** The sub-path `drop444/stores`: types alone. */
const storeTypes = [
  'BanAction',
  'BanPolicy',
  'Bucket',
  'Decision',
  'Hit',
  'OffendAction',
  'OffenderAction',
  'OffenderChanges',
  'OffenderNews',
  'OffenderRecord',
  'OffenderStore',
  'OnStoreError',
  'PardonAction',
  'RateLimitStore',
  'WriteNews',
]

/** All that is loaded with the core; what is optional has a sub-path of its own. */
const packages = ['debug', 'ms']

/** What debug takes where it happens to be installed. */
const optional = ['supports-color', 'has-flag']

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

test('the exported names', () => {
  assert.deepEqual(Object.keys(drop444).sort(), [...values, ...ruleFactories].sort())
  assert.deepEqual(Object.keys(django).sort(), djangoValues)
  assert.deepEqual(Object.keys(redis).sort(), redisValues)
  assert.deepEqual(Object.keys(stores), [])
})

/** The types that an entry exports. */
function typesOf(entry: string): string[] {
  const source = readFileSync(join(root, entry), 'utf8')
  const names: string[] = []
  for (const [, all, list = ''] of source.matchAll(/^export (type )?\{([^}]*)\}/gm)) {
    const exported = list
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== '')
    for (const name of exported) if (all || name.startsWith('type ')) names.push(name.replace(/^type /, ''))
  }
  return names.sort()
}

test('the exported types', () => {
  assert.deepEqual(typesOf('lib/index.ts'), [...types, ...ruleOptionTypes].sort())
  assert.deepEqual(typesOf('lib/django.ts'), djangoTypes)
  assert.deepEqual(typesOf('lib/stores.ts'), storeTypes)
})

describe('what the core loads', () => {
  test('of packages: the declared dependencies, and theirs', async () => {
    const { metafile } = await bundle('bundle')
    assert.deepEqual(
      bundledPackages(metafile).filter(name => !optional.includes(name)),
      packages,
    )
  })

  test('by name: only what package.json declares', async () => {
    const named = externals(await bundle('external')).packages
    const declared = Object.keys(manifest.dependencies)
    assert.deepEqual(
      [...named].filter(name => !declared.includes(name)),
      [],
    )
    const unused = declared.filter(name => !named.has(name))
    assert.deepEqual(unused, [])
  })

  test('of Node: no optional part, and every name with node:', async () => {
    const { builtin } = externals(await bundle('external'))
    const needed = [
      'node:async_hooks',
      'node:diagnostics_channel',
      'node:http',
      'node:net',
      'node:url',
      'node:util/types',
    ]
    assert.deepEqual([...builtin].sort(), needed)
  })

  test('nothing of a sub-path, types included', () => {
    const parts = [
      'lib/stores/redis/',
      'lib/redis.ts',
      'lib/routes/django/',
      'lib/django.ts',
      'lib/stores.ts',
    ]
    const graph = sourceGraph()
    for (const part of parts)
      assert.ok(
        [...graph.keys()].some(file => file.startsWith(part)),
        part,
      )
    assert.deepEqual(
      [...reachable(graph, 'lib/index.ts')].filter(file => parts.some(part => file.startsWith(part))),
      [],
    )
  })

  test('nothing that keeps a process alive', () => {
    const script = "import { rateLimit, noHost } from './lib/index.ts'; noHost(); rateLimit({ rate: '1r/s' })"
    const args = [...reader, '--input-type=module', '-e', script]
    const { status, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.equal(status, 0, stderr)
    assert.equal(stderr, '')
  })

  for (const [what, { names, most }] of Object.entries(sizes)) {
    test(`own code of ${what}: at most ${most} kB, minified and compressed`, async t => {
      const size = await sizeOf(names)
      t.diagnostic(`${size.toFixed(2)} kB`)
      assert.ok(size <= most, `${size} kB`)
      assert.ok(size > 1, 'nothing was bundled')
    })
  }
})
