import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { test } from 'node:test'
import { drop, rule } from '../../lib/index.ts'
import { sites } from '../support/ask.ts'
import { settle } from '../support/events.ts'
import type { Middleware } from '../support/servers.ts'

const site = sites()
const noBad = () => rule('no-bad', req => req.url === '/bad' && 'bad', { http2: 'goaway' })
const dropAll = ((req: never, res: never, next: () => void) => {
  if ((req as { url: string }).url === '/good') return next()
  drop(req, { res, http2: 'goaway' })
}) as unknown as Middleware

/** In one go: a stream in flight, a dropped one, and more behind it, with bodies that go on arriving. */
async function burst(port: number): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  await new Promise(resolve => session.once('connect', resolve))
  const closed = new Promise(resolve => session.once('close', resolve))
  for (const path of ['/good', '/bad', '/late', '/late', '/late']) {
    const isPost = path === '/late'
    const request = session.request(
      { ':path': path, ':method': isPost ? 'POST' : 'GET', 'user-agent': 'a' },
      { endStream: !isPost },
    )
    request.on('error', () => {}).resume()
    if (isPost) request.end(Buffer.alloc(200_000))
  }
  await Promise.race([closed, settle(2_000)])
  session.destroy()
}

for (const [name, middleware] of [
  ['by a rule', noBad()],
  ['by drop()', dropAll],
] as const) {
  // Resetting one of them as well was seen to corrupt the heap of Node 20, some connections later.
  test(`streams with bodies behind a dropped one, while its connection ends, ${name}: 150 connections`, async () => {
    const to = await site([middleware], { server: 'h2c', app: 'bare' })
    for (let i = 0; i < 15; i++) await Promise.all(Array.from({ length: 10 }, () => burst(to.port)))
    assert.ok(to.events.length >= 150)
  })
}
