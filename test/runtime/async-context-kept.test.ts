import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import http from 'node:http'
import http2 from 'node:http2'
import { connect, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { drop, dropLog, onStoreChange, protect, repeatOffender, shedLoad } from '../../lib/index.ts'
import type { OffenderStore } from '../../lib/offenders/offender-store.ts'
import { GuardedStore } from '../../lib/stores/guarded/guarded-store.ts'
import { allowed, bucketOf, pending, StubStore } from '../stores/outage-stub-store.ts'
import { settle } from '../support/events.ts'
import { listen } from '../support/servers.ts'
import { closed, hooks } from '../support/watch.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const storage = new AsyncLocalStorage<object>()
const bucket = bucketOf(1000, 1000)

/** Does something in the context of a request, which then is over. */
async function asRequest(begin: () => unknown): Promise<WeakRef<object>> {
  const store = {}
  await storage.run(store, async () => void (await begin()))
  return new WeakRef(store)
}

/** Whether what belonged to a request can be collected. */
async function assertForgotten(kept: WeakRef<object>): Promise<void> {
  const end = performance.now() + 5_000
  while (kept.deref() && performance.now() < end) {
    await settle(10)
    collect()
  }
  assert.equal(kept.deref(), undefined)
}

describe('what a request happens to begin keeps nothing of it alive', () => {
  hooks()

  test('the timer of a log that sums', async () => {
    const stop = dropLog({ info() {} }, { sum: 60_000 })
    const event = {
      time: 0,
      status: 444,
      action: 'close',
      rule: 'rule',
      reason: 'reason',
      method: 'GET',
      url: '/',
    }
    await assertForgotten(await asRequest(() => channel('drop444:drop').publish(event)))
    stop()
  })

  test('the timers of a store that is down', async () => {
    const stop = onStoreChange(() => {})
    const store = Object.assign(new StubStore(() => Promise.reject(new Error('down'))), {
      probe: () => Promise.reject(new Error('down')),
    })
    const guarded = new GuardedStore(store)
    await assertForgotten(await asRequest(() => guarded.hit('key', bucket, 0)))
    stop()
  })

  test('the timer of a store that is always asked something', async () => {
    const answers: ((decision: typeof allowed) => void)[] = []
    const store = new StubStore(() => new Promise(resolve => void answers.push(resolve)))
    const guarded = new GuardedStore(store, { timeout: 20_000 })
    const first = await asRequest(() => void guarded.hit('key', bucket, 0))
    void guarded.hit('key', bucket, 0)
    answers.shift()?.(allowed)
    await assertForgotten(first)
    answers.shift()?.(allowed)
  })

  test('a rule that it makes: shedLoad, repeatOffender with a store', async () => {
    const store: OffenderStore = { scope: () => store, write: pending, probe: pending, read: pending }
    const rules: unknown[] = []
    const made = await asRequest(() => {
      rules.push(shedLoad({ interval: 10 }), repeatOffender({ store: { offenders: store } }))
    })
    await settle(50)
    await assertForgotten(made)
    assert.equal(rules.length, 2)
  })

  test('the timer of a guarded server', async () => {
    const server = http.createServer()
    protect(server, { headerTimeout: 0 })
    const running = closed(await listen(server))
    const acceptor = createServer()
    const { port } = closed(await listen(acceptor))
    const client = connect(port, '127.0.0.1')
    const kept = await asRequest(async () => {
      const socket = await new Promise<import('node:net').Socket>(resolve =>
        acceptor.once('connection', resolve),
      )
      server.emit('connection', socket)
      socket.resume()
    })
    const other = connect(running.port, '127.0.0.1')
    await new Promise(resolve => other.once('connect', resolve))
    client.destroy()
    await assertForgotten(kept)
    other.destroy()
  })

  test('an HTTP/2 connection that ends with a request that was dropped', async () => {
    const server = http2.createServer()
    let kept: Promise<WeakRef<object>> | undefined
    server.on('request', req => {
      if (req.url === '/drop') kept = asRequest(() => drop(req as never, { http2: 'goaway' }))
    })
    const { port } = closed(await listen(server))
    const session = http2.connect(`http://localhost:${port}`).on('error', () => {})
    const stays = session.request({ ':path': '/stays' }).on('error', () => {})
    const dropped = session.request({ ':path': '/drop' }).on('error', () => {})
    await new Promise(resolve => dropped.on('close', resolve))
    await assertForgotten((await kept) as WeakRef<object>)
    assert.equal(stays.closed, false)
    session.destroy()
  })
})
