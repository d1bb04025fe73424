import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { type Block, recipes, soon } from './harness.ts'
import type { Change } from './recipe.ts'
import { complaints, failures, forget, stillHeld } from './watch.ts'

const scanner = { 'User-Agent': 'sqlmap/1.8' }
const post = (path: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: raw/1\r\nContent-Length: 4\r\n\r\nbody`

/** Unwanted requests, and what is told of each. */
const unwanted: Record<string, [bytes: string, event: string]> = {
  'a path of nobody': [get('/wp-login.php'), 'pathAllowlist: unlisted-path'],
  'a path that no URL decodes': [get('/%', { Connection: 'close' }), 'pathAllowlist: ambiguous-path'],
  'a scanner': [get('/', scanner), 'badAgent: bad-agent'],
  'a body': [post('/xmlrpc.php'), 'pathAllowlist: unlisted-path'],
}

const options = 'drop444({ '
const withOption = (text: string): Change => [options, `${options}${text}, `]

/** What every recipe on HTTP/1 has to do. */
export function suite(block: Block): void {
  describe(block.name, () => {
    const { start, events, told } = recipes()
    const to = (port: number) => ({ port, tls: block.tls ?? false, alpn: ['http/1.1'] })

    for (const waits of [false, true]) {
      const changes = waits ? [withOption('skip: () => new Promise(done => setTimeout(done, 5))')] : []
      test(`0 bytes and one event for what is unwanted, an answer for the rest${waits ? ', by rules that wait' : ''}`, async () => {
        const { port, servers, lines, greetings } = await start(block, ...changes)
        assert.equal(servers.length, 1)
        const expected: string[] = []
        for (const [what, [bytes, event]] of Object.entries(unwanted)) {
          const wire = await exchange(to(port), bytes)
          const answer = block.answers?.[what]
          if (answer) {
            assert.match(wire.data.toString(), answer)
            continue
          }
          expected.push(event)
          assert.equal(wire.wireBytes, 0, `${what}: ${wire.data}`)
          assert.notEqual(wire.end, 'open', what)
          if (what !== 'a body') assert.equal(wire.end, 'fin', what)
          assert.deepEqual(told(), expected)
        }
        assert.equal(greetings(), 0)
        const page = await exchange(to(port), get('/', { Connection: 'close' }))
        assert.match(page.data.toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*hello/)
        assert.deepEqual(told(), expected)
        assert.ok(await soon(() => lines().length === expected.length), lines().join('\n'))
        assert.match(lines()[0] ?? '', /"GET \/wp-login\.php HTTP\/1\.1" 444 0 .*"pathAllowlist"/)
      })
    }

    test('on a kept connection what was answered stays, and the drop ends it', async () => {
      const { port } = await start(block)
      const client = await RawClient.open(to(port))
      client.send(get('/'))
      assert.ok(await client.until(() => client.text.includes('hello')), client.text)
      client.send(get('/wp-login.php'))
      const wire = await client.ended()
      client.destroy()
      assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
      assert.deepEqual(told(), ['pathAllowlist: unlisted-path'])
    })

    test('a trusted proxy is told, and its connection goes on', async () => {
      const { port } = await start(block, withOption("trustProxy: 'loopback'"))
      const client = await RawClient.open(to(port))
      const visitor = { 'X-Forwarded-For': '203.0.113.9' }
      for (const round of [1, 2]) {
        client.mark()
        client.send(get('/wp-login.php', visitor))
        const answers = () => client.text.split('HTTP/1.1 444').length - 1
        assert.ok(await client.until(() => answers() === round), client.text)
        client.send(get('/', visitor))
        assert.ok(await client.until(() => client.text.split('hello').length - 1 === round), client.text)
      }
      assert.equal(client.end, 'open')
      client.destroy()
      assert.deepEqual(
        events().map(({ action, clientAddress }) => `${action} ${clientAddress}`),
        ['hand-off 203.0.113.9', 'hand-off 203.0.113.9'],
      )
    })

    test('a request that a rule can not judge does not pass', async () => {
      const broken = withOption("skip: () => { throw new Error('out of order') }")
      const { port } = await start(block, broken)
      const wire = await exchange(to(port), get('/', { Connection: 'close' }))
      if (block.broken === 'nothing') {
        assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
        assert.equal(events()[0]?.reason, 'rule-error')
        assert.deepEqual(failures.splice(0), ['Error: out of order'])
      } else {
        assert.match(wire.data.toString(), /^HTTP\/1\.1 500 /)
        assert.deepEqual(told(), [])
        assert.ok(complaints.splice(0).every(said => said.includes('out of order')))
      }
    })

    test('a dropped request is held by nobody', async () => {
      const { port } = await start(block)
      forget()
      for (let count = 0; count < 10; count++) {
        const { wireBytes } = await exchange(to(port), get('/wp-login.php'))
        assert.equal(wireBytes, 0)
      }
      assert.deepEqual(await stillHeld(), { came: 10, held: 0 })
      assert.equal(told().length, 10)
    })
  })
}
