import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { rule } from '../../lib/index.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { type RunningServer, start } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { combinedLog, withoutTime } from './combined-log.ts'
import { bytes } from './log-cases.ts'

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')

const cases: readonly { name: string; fields: http2.OutgoingHttpHeaders }[] = [
  { name: 'plain', fields: { ':path': '/' } },
  { name: 'fields', fields: { ':path': '/a?b', referer: 'https://example.com/', 'user-agent': 'probe/1.0' } },
  { name: 'empty fields', fields: { ':path': '/', referer: '', 'user-agent': '' } },
  { name: 'HEAD', fields: { ':path': '/', ':method': 'HEAD' } },
  { name: 'POST without a body', fields: { ':path': '/', ':method': 'POST' } },
  { name: 'quotes and backslashes', fields: { ':path': '/"\\', 'user-agent': '"\\' } },
  { name: 'a tab', fields: { ':path': '/', 'user-agent': 'a\tb' } },
  { name: 'bytes from 0x80', fields: { ':path': '/', 'user-agent': bytes(0x80, 0xff) } },
  { name: 'bytes from 0x80 in the path', fields: { ':path': `/${bytes(0x80, 0xff)}` } },
  { name: 'a long path', fields: { ':path': `/${'a'.repeat(3_000)}` } },
  { name: 'credentials', fields: { ':path': '/', authorization: `Basic ${base64('a"\xe9:x')}` } },
  { name: 'another authority', fields: { ':path': '/', ':authority': 'other.example' } },
]

/** Sends one request on a connection of its own; resolves once the server has ended the stream. */
async function ask(port: number, fields: http2.OutgoingHttpHeaders): Promise<'answered' | 'silent'> {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  try {
    const stream = session.request(fields, { endStream: true })
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the stream is still open')), 3_000)
      let outcome: 'answered' | 'silent' = 'silent'
      stream.on('response', () => {
        outcome = 'answered'
      })
      stream.on('error', () => {})
      stream.on('close', () => {
        clearTimeout(timer)
        resolve(outcome)
      })
    })
  } finally {
    session.destroy()
  }
}

describe('nginx: the log line over HTTP/2 is the same', { skip: requireTool('nginx') }, () => {
  const ours: Record<string, RunningServer> = {}
  const log = combinedLog()
  let nginx: Nginx

  before(async () => {
    nginx = await startNginx({ servers: address => `server { listen ${address} http2; return 444; }` })
    for (const mode of [20, 'goaway', 'destroy', 'stream'] as const) {
      const everything = rule('all', () => 'x', { http2: mode })
      ours[mode] = await start({ server: 'h2c', app: 'bare' }, [everything], (_req, res) => res.end('served'))
    }
  })

  after(async () => {
    log.stop()
    await nginx?.close()
    for (const server of Object.values(ours)) await server.close()
  })

  for (const { name, fields } of cases) {
    test(name, async () => {
      const logged = (await nginx.accessLog()).length
      assert.equal(await ask(nginx.port, fields), 'silent')
      const lines = (await nginx.accessLog(logged + 1)).slice(logged).map(withoutTime)
      assert.match(String(lines), / HTTP\/2\.0" 444 0 "/)
      for (const [mode, server] of Object.entries(ours)) {
        log.take()
        assert.equal(await ask(server.port, fields), 'silent', mode)
        assert.deepEqual(log.take().map(withoutTime), lines, mode)
      }
    })
  }
})
