import assert from 'node:assert/strict'
import { test } from 'node:test'
import { methodAllowlist } from '../../lib/index.ts'
import { brief, sites } from '../support/ask.ts'
import { exchange } from '../support/raw-client.ts'

const site = sites()
const line = (method: string) => `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`

test('drops what is not listed; HEAD goes with GET, OPTIONS does not', async () => {
  for (const app of ['express4', 'express5', 'connect', 'bare'] as const) {
    const to = await site([methodAllowlist(['GET', 'POST'])], { server: 'http', app })
    for (const method of ['GET', 'POST']) assert.equal(await to.outcome(line(method)), 'pass')
    assert.match((await exchange({ port: to.port }, line('HEAD'))).data.toString(), /^HTTP\/1\.1 200/)
    for (const method of ['OPTIONS', 'PUT', 'DELETE', 'TRACE', 'PROPFIND', 'PURGE']) {
      assert.equal(brief(await to.outcome(line(method))), `unlisted-method: ${method}`)
    }
  }
})

test('HEAD alone does not bring GET', async () => {
  const to = await site([methodAllowlist(['HEAD'])])
  assert.equal(brief(await to.outcome(line('GET'))), 'unlisted-method: GET')
})

test('a slip is refused, with what was meant', () => {
  for (const [methods, code, didYouMean] of [
    [['get'], 'DROP444_INVALID_ENTRY', 'GET'],
    [['GETT'], 'DROP444_INVALID_ENTRY', 'GET'],
    [['FETCH-IT'], 'DROP444_INVALID_ENTRY', undefined],
    [[1], 'DROP444_INVALID_ENTRY', undefined],
    [[], 'DROP444_INVALID_OPTION', undefined],
    ['GET', 'DROP444_INVALID_OPTION', undefined],
    [undefined, 'DROP444_MISSING_OPTION', undefined],
  ] as const) {
    assert.throws(() => methodAllowlist(methods as unknown as string[]), {
      name: 'OptionsError',
      code,
      didYouMean,
    })
  }
})
