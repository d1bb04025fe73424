import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import https from 'node:https'
import type { Server } from 'node:net'
import { describe, test } from 'node:test'
import { denyCidr, type ProtectOptions, protect, rule, unprotect } from '../../lib/index.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { credentials, listen } from '../support/servers.ts'
import { closed, hooks } from '../support/watch.ts'

/*
 * Fields of a server, or a response, that a later Node may keep elsewhere or in another way: here each is changed on the object
 * itself, behind Node's back.
 */

const throws = {
  get() {
    throw new Error('no such field')
  },
  configurable: true,
}
const ways: Record<string, PropertyDescriptor | undefined> = {
  gone: undefined,
  'a number': { value: 7, configurable: true },
  'an object': { value: {}, configurable: true },
  'a getter that throws': throws,
}

function change(holder: object, field: string, way: PropertyDescriptor | undefined): void {
  if (way) Object.defineProperty(holder, field, way)
  else Reflect.deleteProperty(holder, field)
}

const isServed = async (server: Server, tls: boolean, options: ProtectOptions = {}) => {
  const { port } = closed(await listen(protect(server, options)))
  const { data } = await exchange({ port, tls }, get('/', { Connection: 'close' }))
  assert.match(String(data), /fine$/)
  return port
}

describe('a server whose fields are others', () => {
  hooks()

  for (const field of ['minVersion', 'secureProtocol', 'ALPNProtocols', 'ALPNCallback']) {
    for (const [name, way] of Object.entries(ways)) {
      // Node itself refuses others of its own: undocumented.all.test.ts takes them away from us alone.
      if (way && field.startsWith('ALPN')) continue
      test(`${field} of TLS is ${name}: visitors are served, drops are silent`, async () => {
        const server = https.createServer(credentials, (_req, res) => res.end('fine'))
        change(server, field, way)
        const bad = rule('bad', req => req.url === '/bad')
        const port = await isServed(server, true, { rules: [bad] })
        assert.equal((await exchange({ port, tls: true }, get('/bad'))).wireBytes, 0)
      })
    }
  }

  test('an old version that the server takes is not refused by the default one', async () => {
    const options = { ...credentials, minVersion: 'TLSv1' as const, ciphers: 'DEFAULT@SECLEVEL=0' }
    const server = https.createServer(options, (_req, res) => res.end('fine'))
    change(server, 'minVersion', undefined)
    const { port } = closed(await listen(protect(server)))
    const old = { rejectUnauthorized: false, maxVersion: 'TLSv1.1' as const, minVersion: 'TLSv1' as const }
    const asked = { port, host: '127.0.0.1', ...old, ciphers: 'DEFAULT@SECLEVEL=0', agent: false as const }
    const status = await new Promise((resolve, reject) => {
      https.get(asked, res => resolve(res.resume().statusCode)).on('error', reject)
    })
    assert.equal(status, 200)
  })

  for (const [name, way] of Object.entries({ ...ways, fixed: { value: undefined } })) {
    test(`blockList is ${name}: who is denied gets nothing`, async () => {
      const server = createServer((_req, res) => res.end('fine'))
      change(server, 'blockList', way)
      const port = await isServed(server, false, { rules: [denyCidr(['127.9.0.1'])] })
      const client = await RawClient.open({ port, localAddress: '127.9.0.1' })
      const { wireBytes, end } = await client.ended()
      assert.deepEqual([wireBytes, end === 'open'], [0, false])
      unprotect(server)
    })
  }
})
