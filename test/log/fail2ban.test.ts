import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { badAgent, dropLog, pathAllowlist, protect, repeatOffender } from '../../lib/index.ts'
import { settle } from '../support/events.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'
import { kinds, start } from '../support/servers.ts'
import { closed, drops, hooks } from '../support/watch.ts'

/** The filter of docs/logging.md; fail2ban cuts the date out of a line before it looks. */
function filter(): (line: string) => boolean {
  const page = readFileSync('docs/logging.md', 'utf8')
  const [, text = ''] = /^failregex = (.*)$/m.exec(page) ?? []
  const pattern = new RegExp(text.replace('<ADDR>', String.raw`[\d.:a-f]+`))
  return line => pattern.test(line.replace(/\[\d\d\/[^\]]*\]/, '[]'))
}

describe('the documented filter of fail2ban', () => {
  hooks()

  test('matches lines of who is banned, and no other', async () => {
    const output = new PassThrough()
    let log = ''
    output.on('data', chunk => {
      log += chunk
    })
    const stop = dropLog(output)
    const own = repeatOffender({ limit: 2 })
    const kind = kinds[0] as (typeof kinds)[number]
    const server = closed(
      await start(kind, [own, badAgent(), pathAllowlist(['/'])], (_req, res) => res.end()),
    )
    protect(server.server, { rules: [own], headerTimeout: 200 })
    const to = { port: server.port }
    const spare = await RawClient.open(to)
    for (let i = 0; i < 1_000 && drops.events.length === 0; i++) await settle(10)
    const close = { Connection: 'close' }
    await exchange(to, get('/gone.png', { ...close, 'Sec-Fetch-Site': 'cross-site' }))
    for (const path of ['/a', '/b']) await exchange(to, get(path, close))
    await exchange(to, 'rubbish\r\n\r\n')
    assert.equal(own.isBanned('127.0.0.1'), true)
    // At accept, and (in Express) by a request.
    await exchange(to, '')
    own.lift('127.0.0.1')
    const kept = await RawClient.open(to)
    kept.send(get('/'))
    await kept.until(() => kept.text.includes('200'))
    own.ban('127.0.0.1')
    kept.send(get('/', { Authorization: `Basic ${btoa('a [] "x" 444 0:b')}` }))
    await kept.ended()
    stop()
    own.close()
    spare.destroy()
    const isMatch = filter()
    const lines = log.trim().split('\n')
    const reasons = lines.map(line => /"([^"]*)"$/.exec(line)?.[1])
    const expected = [
      'header-timeout',
      ...Array(3).fill('unlisted-path'),
      'invalid-method',
      'banned',
      'banned',
    ]
    assert.deepEqual(reasons, expected)
    assert.deepEqual(lines.map(isMatch), [false, false, false, false, false, true, true])
  })
})
