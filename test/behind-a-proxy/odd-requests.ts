import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get } from '../support/raw-client.ts'
import { type Setup, type SetupOptions, visit } from './setup.ts'

const head = 'Host: localhost\r\nUser-Agent: raw/1\r\n'
const methods = ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PROPFIND']

const websocket = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

/** Unwanted requests that are out of the ordinary. To be called in a suite. */
export function oddRequestTests(start: (options?: SetupOptions) => Promise<Setup>): void {
  test('dropped whatever the method and the version', async () => {
    const setup = await start()
    for (const method of methods)
      setup.assertSilent(await setup.attack(`${method} /wp-login.php HTTP/1.1\r\n${head}\r\n`))
    setup.assertSilent(await setup.attack('GET /wp-login.php HTTP/1.0\r\n\r\n'))
    setup.assertSilent(await setup.attack(get('/wp-login.php', websocket)))
    assert.deepEqual(
      setup.drops.events.map(({ action, method }) => `${action} ${method}`),
      [...methods, 'GET', 'GET'].map(method => `hand-off ${method}`),
    )
    await visit(setup, 'after')
  })

  test('what is pipelined behind a dropped request is never answered, what is before it is', async () => {
    const setup = await start()
    setup.assertSilent(await setup.attack(get('/wp-login.php') + get('/echo/behind')))
    const client = await setup.attack(get('/echo/before') + get('/wp-login.php') + get('/echo/behind'))
    assert.match(client.text, /^HTTP\/1\.1 200 .*\r\n\r\nbefore 0 \w+$/s)
    assert.equal(client.text.split('HTTP/1.1 ').length, 2)
    await visit(setup, 'after')
  })

  test('a dropped upload whose client leaves halfway', async () => {
    const setup = await start()
    for (let i = 0; i < 6; i++) {
      const client = await setup.open()
      client.send(
        `POST /xmlrpc.php HTTP/1.1\r\n${head}Content-Length: 100000\r\n\r\n${get('/echo/inner').repeat(9)}`,
      )
      await client.ended(40)
      assert.equal(client.received, 0)
      client.destroy()
      await visit(setup, `v${i}`, 4)
    }
    assert.deepEqual(await setup.up(), setup.backends.names)
  })
}
