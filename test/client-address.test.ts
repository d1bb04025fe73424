import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import proxyaddr from 'proxy-addr'
import { clientAddress, compileTrust } from '../lib/client-address.ts'
import { type DropEvent, OptionsError, onDrop, rule, type TrustProxy } from '../lib/index.ts'
import { parseAddress } from '../lib/match/address.ts'
import { exchange, get } from './support/raw-client.ts'
import { listen } from './support/servers.ts'

/** Asks a server that compares our client address with proxy-addr's, header by header. */
async function compare(
  trust: TrustProxy,
  forwarded: string,
): Promise<{ ours: string | undefined; theirs: string }> {
  const compiled = compileTrust(trust)
  let theirs = ''
  let ours: string | undefined
  const server = await listen(
    http.createServer((req, res) => {
      theirs = proxyaddr(req, compiled)
      ours = clientAddress(req, compiled)?.text
      res.end()
    }),
  )
  await exchange({ port: server.port }, get('/', { Connection: 'close', 'X-Forwarded-For': forwarded }))
  await server.close()
  return { ours, theirs }
}

const trusts: TrustProxy[] = [
  false,
  true,
  0,
  1,
  2,
  3,
  'loopback',
  'loopback, 203.0.113.0/24',
  ['127.0.0.1', '203.0.113.7', '2001:db8::/32'],
  (address: string, hop: number) => address.startsWith('127.') || hop === 1,
]
const forwardings = [
  '198.51.100.1',
  '198.51.100.1, 203.0.113.7',
  '198.51.100.1,203.0.113.7 , 203.0.113.8',
  '198.51.100.1, 2001:db8::1, 203.0.113.7',
  'junk, 203.0.113.7',
  'junk',
  '',
  ' ',
  '203.0.113.7, 203.0.113.7, 203.0.113.7, 203.0.113.7',
  '10.0.0.1, 127.0.0.1',
]

describe('the client address is that of proxy-addr, in canonical form', () => {
  for (const trust of trusts) {
    test(`trust ${typeof trust === 'function' ? 'by a function' : JSON.stringify(trust)}`, async () => {
      for (const forwarded of forwardings) {
        const { ours, theirs } = await compare(trust, forwarded)
        assert.equal(ours, parseAddress(theirs)?.text, `${forwarded} -> ${theirs}`)
      }
    })
  }

  test('a header of 10 kB', async () => {
    const { ours, theirs } = await compare(true, Array(900).fill('198.51.100.1').join(','))
    assert.deepEqual([ours, theirs], ['198.51.100.1', '198.51.100.1'])
  })

  test('more than proxy-addr reads: ports, brackets', async () => {
    for (const [forwarded, expected] of [
      ['198.51.100.1:4711', '198.51.100.1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['[2001:db8::1]:443, 127.0.0.1:80', '2001:db8::1'],
      ['fe80::1%eth0', 'fe80::1'],
      ['198.51.100.1:99999999', undefined],
      ['"198.51.100.1"', undefined],
    ] as const) {
      assert.equal((await compare(['loopback'], forwarded)).ours, expected, forwarded)
    }
  })
})

describe('trustProxy', () => {
  for (const bad of ['nonsense', ['nonsense'], '1.2.3.4/33', 1.5, -1, Number.NaN, {}, null, [1], 1n]) {
    test(`refuses ${typeof bad === 'bigint' ? '1n' : JSON.stringify(bad)}`, () => {
      assert.throws(() => rule('r', () => undefined, { trustProxy: bad as TrustProxy }), OptionsError)
    })
  }

  test('the address in the event is canonical, and read once although the client has left', async () => {
    const events: DropEvent[] = []
    const stop = onDrop(event => events.push(event))
    const slow = rule('slow', async req => {
      clientAddress(req, () => false)
      await new Promise(resolve => setTimeout(resolve, 60))
      return 'late'
    })
    const server = await listen(http.createServer((req, res) => slow(req, res, () => res.end())))
    await exchange({ port: server.port }, get('/'), 20)
    await new Promise(resolve => setTimeout(resolve, 80))
    stop()
    await server.close()
    assert.deepEqual(
      events.map(event => event.peerAddress),
      ['127.0.0.1'],
    )
  })
})
