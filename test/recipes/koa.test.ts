import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { describe, test } from 'node:test'
import type Koa from 'koa'
import { exchange, get } from '../support/raw-client.ts'
import { recipes, soon } from './harness.ts'
import { overHttp2 } from './over-http2.ts'
import { blocksOf, type Change } from './recipe.ts'
import { suite } from './suite.ts'

const [through = '', mounted = ''] = blocksOf('koa')
const block = { name: 'Koa, mounted', code: mounted, broken: 'error page' as const }

const guarded = { name: 'Koa, through protect', code: through, broken: 'nothing' as const }

for (const each of [block, guarded]) {
  suite(each)
  const onHttp2: Change = ['app.listen(3000)', 'globalThis.recipe.create(app.callback()).listen(3000)']
  overHttp2({ ...each, changes: [onHttp2], hooks: { create: http2.createServer } })
}

describe('Koa', () => {
  const { start } = recipes()

  test('a middleware before the rules goes on behind its next(), with the status 444', async () => {
    const seen: string[] = []
    const failed: unknown[] = []
    const timer: Koa.Middleware = async (ctx, next) => {
      ctx.app.on('error', error => failed.push(error))
      await next()
      ctx.set('X-Response-Time', '1')
      seen.push(`${ctx.url} ${ctx.status}`)
    }
    const use: Change = ['const guard', 'app.use(globalThis.recipe.timer)\nconst guard']
    const { port } = await start({ ...block, hooks: { timer } }, use)
    assert.equal((await exchange({ port }, get('/wp-login.php'))).wireBytes, 0)
    assert.ok(await soon(() => seen.length === 1))
    const page = await exchange({ port }, get('/', { Connection: 'close' }))
    assert.match(page.data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*X-Response-Time: 1/)
    assert.deepEqual([seen, failed], [['/wp-login.php 444', '/ 200'], []])
  })
})
