import assert from 'node:assert/strict'
import { type ServerOptions, ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import { RawClient } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { closed, drops, hooks } from '../support/watch.ts'
import { assertHead, handOffs, inSync, sites, statuses } from './answer-sites.ts'

/** With another `end`, as a session or a compression puts it there. */
class OwnResponse extends ServerResponse {
  override end(...args: never[]): this {
    this.setHeader('X-Own', '1')
    return super.end(...args)
  }
}

const serverOptions: [string, ServerOptions][] = [
  ['as Node makes it', {}],
  ['that rejects bodies where HTTP has none', { rejectNonStandardBodyWrites: true }],
  ['with a lenient parser', { insecureHTTPParser: true, rejectNonStandardBodyWrites: true }],
  ['with a low mark', { highWaterMark: 1, rejectNonStandardBodyWrites: true }],
  ['with responses of its own', { ServerResponse: OwnResponse as never, rejectNonStandardBodyWrites: true }],
]

const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND']

for (const [index, [optionsName, server]] of serverOptions.entries()) {
  // The others differ in what becomes of a body.
  const methods = index < 2 ? allMethods : ['GET', 'HEAD', 'POST']
  describe(`answers of a server ${optionsName}: whole, and the connection goes on`, () => {
    hooks()
    for (const [name, create] of Object.entries(sites)) {
      test(`hand-offs of ${name}`, async () => {
        for (const handOff of handOffs) {
          const { port } = closed(await listen(create(server, { handOff })))
          const client = await RawClient.open({ port })
          for (const method of methods) {
            assertHead(await inSync(client, method, handOff), method, handOff)
            const [event, ...more] = drops.events.splice(0)
            assert.deepEqual([event?.action, event?.sentStatus, more], ['hand-off', handOff, []])
          }
          client.destroy()
        }
      })

      test(`statuses of ${name}`, async () => {
        for (const status of statuses) {
          const { port } = closed(await listen(create(server, { status })))
          const client = await RawClient.open({ port })
          for (const method of methods) {
            assertHead(await inSync(client, method, status), method, status)
            const [event, ...more] = drops.events.splice(0)
            assert.deepEqual([event?.action, event?.sentStatus, more], ['respond', status, []])
            assert.equal(event?.bodyBytesSent === 0, method === 'HEAD')
          }
          client.destroy()
        }
      })
    }
  })
}
