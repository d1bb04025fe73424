import assert from 'node:assert/strict'
import diagnostics, { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { afterEach, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { CallbackError, DropEvent, Rule } from '../../lib/index.ts'
import { type Copy, copyText, loadCopy } from '../support/copies.ts'
import { settle } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { type RunningServer, start } from '../support/servers.ts'

let server: RunningServer | undefined
afterEach(() => server?.close())

/** One request to a server with these rules; how many bytes came back. */
async function ask(...rules: readonly Rule[]): Promise<number> {
  server = await start({ server: 'http', app: 'bare' }, rules, (_req, res) => void res.end('fine'))
  const { wireBytes } = await exchange({ port: server.port }, get('/', { Connection: 'close' }))
  await server.close()
  return wireBytes
}

const dropAll = (copy: Copy) => copy.rule('no-one', () => true)

/** A stream that keeps the lines it is given. */
function lines() {
  const text: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text.push(...String(chunk).split('\n').filter(Boolean))
      done()
    },
  })
  return { text, stream }
}

/** The codes of the warnings that are given while something runs. */
async function warnings(run: () => Promise<unknown>): Promise<(string | undefined)[]> {
  const codes: (string | undefined)[] = []
  const hear = (warning: NodeJS.ErrnoException) => codes.push(warning.code)
  process.on('warning', hear)
  await run()
  await settle()
  process.off('warning', hear)
  return codes
}

describe('events of several copies', () => {
  for (const inContext of [false, true]) {
    const where = inContext ? 'in a context of its own' : 'in a bundle'

    test(`a copy ${where}: who had subscribed before it came can stop`, async () => {
      const first = await loadCopy()
      const heard: string[] = []
      const onChannel = (event: unknown) => heard.push(`channel ${(event as DropEvent).rule}`)
      subscribe('drop444:drop', onChannel)
      const stop = first.onDrop(({ rule }) => heard.push(`onDrop ${rule}`))
      const log = lines()
      const stopLog = first.dropLog(log.stream)
      const second = await loadCopy({ inContext })

      assert.equal(await ask(dropAll(second)), 0)
      assert.deepEqual(heard.splice(0).sort(), ['channel no-one', 'onDrop no-one'])
      assert.equal(log.text.length, 1)

      stop()
      stopLog()
      unsubscribe('drop444:drop', onChannel)
      const stopSecond = second.onDrop(() => heard.push('second'))
      assert.equal(await ask(dropAll(first)), 0)
      stopSecond()
      assert.deepEqual(heard, ['second'])
      assert.equal(log.text.length, 1)
    })

    test(`a copy ${where}: each log has one line a drop, whichever copy drops`, async () => {
      const copies = [await loadCopy(), await loadCopy({ inContext })]
      const logs = copies.map(copy => {
        const { text, stream } = lines()
        return { text, stop: copy.dropLog(stream) }
      })
      for (const copy of copies) assert.equal(await ask(dropAll(copy)), 0)
      // Both would drop it: the second finds it dropped.
      assert.equal(await ask(...copies.map(dropAll)), 0)
      for (const { stop } of logs) stop()
      assert.deepEqual(
        logs.map(({ text }) => text.length),
        [3, 3],
      )
    })
  }

  test('what a listener throws, or rejects with, is told once, and ends nothing', async () => {
    const first = await loadCopy()
    const told: string[] = []
    const onError = (message: unknown) => told.push(((message as CallbackError).error as Error).message)
    subscribe('drop444:error', onError)
    const stops = [
      first.onDrop(() => {
        throw new Error('before')
      }),
    ]
    assert.deepEqual(await warnings(() => ask(dropAll(first))), ['DROP444_CALLBACK_FAILED'])
    const second = await loadCopy()
    stops.push(
      second.onDrop(() => {
        throw new Error('behind')
      }),
      second.onDrop(async () => {
        throw new Error('promised')
      }),
    )
    const given = await warnings(() => ask(dropAll(first)))
    for (const stop of stops) stop()
    unsubscribe('drop444:error', onError)
    assert.deepEqual(told, ['before', 'before', 'behind', 'promised'])
    // By the copy that came last, the first time.
    assert.deepEqual(given, ['DROP444_CALLBACK_FAILED'])
  })

  test('a copy that drops does not say that nobody listens while another listens', async () => {
    const [first, second] = [await loadCopy(), await loadCopy()]
    const stop = second.onDrop(() => {})
    assert.deepEqual(await warnings(() => ask(dropAll(first))), [])
    stop()
    assert.deepEqual(await warnings(() => ask(dropAll(first))), ['DROP444_NO_SUBSCRIBER'])
  })

  test('a copy that comes later, as when a cache of modules is emptied, subscribes to nothing of Node once more', async t => {
    const first = await loadCopy()
    first.noHost()
    const names: unknown[] = []
    const { subscribe } = diagnostics
    t.mock.method(diagnostics, 'subscribe', (name: string, listener: never) => {
      names.push(name)
      subscribe(name, listener)
    })
    const second = await loadCopy()
    second.noHost()
    second.onDrop(() => {})()
    // Its own subscription alone: the rest is done already.
    assert.deepEqual(names, ['drop444:drop'])
  })

  test('a worker thread shares nothing', async () => {
    const [text, here] = await Promise.all([copyText(), loadCopy()])
    const listen = `
      const { parentPort } = require('node:worker_threads')
      let heard = 0
      module.exports.onDrop(() => heard++)
      parentPort.on('message', () => parentPort.postMessage(heard))
      parentPort.postMessage('ready')`
    const worker = new Worker(`${text}\n${listen}`, { eval: true })
    const answer = () => once(worker, 'message').then(([message]) => message)
    assert.equal(await answer(), 'ready')
    const stop = here.onDrop(() => {})
    await ask(dropAll(here))
    stop()
    worker.postMessage('how many?')
    assert.equal(await answer(), 0)
    await worker.terminate()
  })

  test('an outage of a store that rules of two copies use is one event each way', async () => {
    const copies = [await loadCopy(), await loadCopy({ inContext: true })]
    let isDown = true
    const hit = () => {
      if (isDown) throw new Error('no store')
      return { allowed: true, delay: 0, retryAfter: 0 }
    }
    const store = { hit, probe: hit } as never
    const states: string[] = []
    const stop = copies[0]?.onStoreChange(({ state }) => states.push(state))
    const rules = copies.map(copy => copy.rateLimit({ rate: '1r/s', burst: 1000, store }))
    assert.ok((await ask(...rules)) > 0)
    assert.deepEqual(states, ['down'])
    isDown = false
    for (let tries = 0; tries < 500 && states.length < 2; tries++) await settle(10)
    // Time enough for a second one.
    await settle(100)
    stop?.()
    assert.deepEqual(states, ['down', 'up'])
  })
})
