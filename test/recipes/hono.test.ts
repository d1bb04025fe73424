import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { describe, test } from 'node:test'
import type { Context, MiddlewareHandler } from 'hono'
import { logger } from 'hono/logger'
import { secureHeaders } from 'hono/secure-headers'
import { exchange, get } from '../support/raw-client.ts'
import { recipes, soon } from './harness.ts'
import { overHttp2 } from './over-http2.ts'
import { blocksOf, type Change } from './recipe.ts'
import { suite } from './suite.ts'

const [through = '', mounted = ''] = blocksOf('hono')
const block = { name: 'Hono, mounted', code: mounted, broken: 'error page' as const }

const guarded = { name: 'Hono, through protect', code: through, broken: 'nothing' as const }

for (const each of [block, guarded]) {
  suite(each)
  const onHttp2: Change = [
    'Server(app)',
    'Server({ fetch: app.fetch, createServer: globalThis.recipe.create })',
  ]
  overHttp2({ ...each, changes: [onHttp2], hooks: { create: http2.createServer } })
}

describe('Hono', () => {
  const { start, told } = recipes()

  test('middlewares before the rules come back to the response, and nobody trips', async () => {
    const seen: string[] = []
    const failed: unknown[] = []
    const timer: MiddlewareHandler = async (c, next) => {
      await next()
      c.header('X-Response-Time', '1')
      seen.push(`${c.req.path} ${c.res.status}`)
    }
    const middlewares = [logger(line => seen.push(line)), secureHeaders(), timer]
    const onError = (error: Error, c: Context) => {
      failed.push(error)
      return c.text('failed', 500)
    }
    const use: Change = [
      'const guard',
      'app.onError(globalThis.recipe.onError)\nfor (const use of globalThis.recipe.middlewares) app.use(use)\nconst guard',
    ]
    const { port } = await start({ ...block, hooks: { middlewares, onError } }, use)
    assert.equal((await exchange({ port }, get('/wp-login.php'))).wireBytes, 0)
    assert.ok(await soon(() => seen.length === 3))
    const page = await exchange({ port }, get('/', { Connection: 'close' }))
    assert.match(page.data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*x-response-time: 1/i)
    assert.deepEqual(
      seen.filter(line => line.startsWith('/')),
      ['/wp-login.php 200', '/ 200'],
    )
    assert.deepEqual(failed, [])
    assert.deepEqual(told(), ['pathAllowlist: unlisted-path'])
  })

  test('a target that makes no URL is seen by protect alone', async () => {
    const odd = get('ftp://localhost/wp-login.php', { Connection: 'close' })
    const behind = await start(block)
    assert.match((await exchange(behind, odd)).data.toString(), /^HTTP\/1\.1 400 /)
    await behind.close()
    assert.deepEqual(told(), [])
    assert.equal((await exchange(await start(guarded), odd)).wireBytes, 0)
    assert.deepEqual(told(), ['pathAllowlist: unlisted-path'])
  })
})
