import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { settle } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { recipes, soon } from './harness.ts'
import { overHttp2 } from './over-http2.ts'
import { blocksOf, type Change } from './recipe.ts'
import { suite } from './suite.ts'

const [through = '', mounted = ''] = blocksOf('fastify')
const answers = { 'a path that no URL decodes': /^HTTP\/1\.1 400 / }
const blocks = {
  mounted: { name: 'Fastify, mounted', code: mounted, broken: 'error page', answers },
  through: { name: 'Fastify, through protect', code: through, broken: 'nothing' },
} as const

for (const block of Object.values(blocks)) {
  suite(block)
  // Node keeps a closed session as long as its time limit, which with Fastify is 72 s.
  const onHttp2: Change = ['fastify()', 'fastify({ http2: true, http2SessionTimeout: 200 })']
  overHttp2({ ...block, changes: [onHttp2] })
}

describe('Fastify', () => {
  const { start, told } = recipes()

  /** An app with a logger, a time limit and every hook, which tell what was called. */
  function watched() {
    const calls: string[] = []
    const messages: string[] = []
    const stream = new PassThrough().on('data', line => messages.push(JSON.parse(String(line)).msg))
    const watch = (app: FastifyInstance) => {
      app.addHook(
        'onResponse',
        async ({ url }, reply) => void calls.push(`onResponse ${url} ${reply.statusCode}`),
      )
      app.addHook('onSend', async ({ url }) => void calls.push(`onSend ${url}`))
      app.addHook('onError', async ({ url }) => void calls.push(`onError ${url}`))
      app.addHook('onTimeout', async ({ url }) => void calls.push(`onTimeout ${url}`))
      app.addHook('onRequestAbort', async ({ url }) => void calls.push(`onRequestAbort ${url}`))
      app.setNotFoundHandler(async ({ url }) => void calls.push(`not found ${url}`))
    }
    const settled: boolean[] = []
    const options = { logger: { stream }, handlerTimeout: 40, connectionTimeout: 200 }
    return { calls, messages, settled, hooks: { watch, options, settled } }
  }
  const changes: Change[] = [
    ['fastify()', 'fastify(globalThis.recipe.options)'],
    ["app.get('/'", "globalThis.recipe.watch(app)\napp.get('/'"],
  ]

  for (const [name, block] of Object.entries(blocks)) {
    test(`its logger, hooks and time limits, rules ${name}`, async () => {
      const { calls, messages, settled, hooks } = watched()
      const settles: Change = ['if (!passes)', 'globalThis.recipe.settled.push(passes)\nif (!passes)']
      const { port } = await start({ ...block, hooks }, ...changes, ...(name === 'mounted' ? [settles] : []))
      assert.equal((await exchange({ port }, get('/wp-login.php'))).wireBytes, 0)
      await settle(80)
      const ofDrop = name === 'mounted' ? ['onRequestAbort /wp-login.php'] : []
      assert.deepEqual(calls, ofDrop)
      await exchange({ port }, get('/', { Connection: 'close' }))
      assert.ok(await soon(() => calls.length === ofDrop.length + 2))
      assert.deepEqual(calls.slice(ofDrop.length), ['onSend /', 'onResponse / 200'])
      assert.deepEqual(settled, name === 'mounted' ? [false, true] : [])
      const count = (message: string) => messages.filter(each => each === message).length
      assert.deepEqual([count('incoming request'), count('request completed')], [ofDrop.length + 1, 1])
      assert.deepEqual(told(), ['pathAllowlist: unlisted-path'])
    })
  }

  test('a plugin has rules of its own', async () => {
    const inPlugin: Change[] = [
      ["app.addHook('onRequest'", "app.register(async inner => {\ninner.addHook('onRequest'"],
      [
        "app.get('/', async () => 'hello')",
        "inner.get('/', async () => 'hello')\n})\napp.get('/free', async () => 'free')",
      ],
    ]
    const { port } = await start(blocks.mounted, ...inPlugin)
    const scanner = { 'User-Agent': 'sqlmap/1.8', Connection: 'close' }
    assert.equal((await exchange({ port }, get('/', scanner))).wireBytes, 0)
    assert.match((await exchange({ port }, get('/free', scanner))).data.toString(), /free$/)
    assert.deepEqual(told(), ['badAgent: bad-agent'])
  })
})
