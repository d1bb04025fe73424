import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { protect } from '../../lib/index.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { exchange } from '../support/raw-client.ts'
import { listen, type RunningServer } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { combinedLog, withoutTime } from './combined-log.ts'

/** What both refuse to read as a request. nginx answers 400, or 414, and we nothing: the rest of the line is the same. */
const cases: Readonly<Record<string, string>> = {
  words: 'hello there\r\n\r\n',
  'one word': 'HELO\r\n\r\n',
  'a TLS ClientHello': '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"\\\x7f\xff\r\n',
  'control bytes': '\x00\x01\x02\x1f GET / HTTP/1.1\r\n\r\n',
  'an SSH greeting': 'SSH-2.0-OpenSSH_9.2\r\n',
  'a SOCKS greeting': '\x05\x01\x00\r\n',
  'an RDP cookie': '\x03\x00\x00\x2f\x2a\xe0\x00\x00\x00\x00\x00Cookie: mstshash=a\r\n',
  'a lower-case method': 'get / HTTP/1.1\r\nHost: a\r\n\r\n',
  'an unknown version': 'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
  'a letter for a version': 'GET / HTTP/x\r\nHost: a\r\n\r\n',
  'no slash': 'GET nothing HTTP/1.1\r\nHost: a\r\n\r\n',
  'a bad target, with quotes': 'GET "\\" HTTP/1.1\r\nHost: a\r\n\r\n',
  'a bad header behind a good line':
    'GET /x?y HTTP/1.1\r\nUser-Agent: probe\r\nReferer: http://r/\r\nbad header\r\n\r\n',
  'a NUL in a header': 'GET /x HTTP/1.1\r\nHost: a\0b\r\n\r\n',
  'two lengths': 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
  'a length and chunks':
    'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n',
  'no Host': 'GET /x HTTP/1.1\r\nUser-Agent: probe\r\n\r\n',
  'two Hosts': 'GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'a bad Host': 'GET /x HTTP/1.1\r\nHost: a b\r\n\r\n',
  CONNECT: 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
}

describe('nginx: the log line of what is no request is the same', { skip: requireTool('nginx') }, () => {
  const log = combinedLog()
  let nginx: Nginx
  let ours: RunningServer
  let logged = 0

  before(async () => {
    nginx = await startNginx({ servers: address => `server { listen ${address}; return 444; }` })
    ours = await listen(protect(http.createServer((_req, res) => res.end('served'))))
  })
  after(async () => {
    log.stop()
    await ours.close()
    await nginx.close()
  })

  for (const [name, bytes] of Object.entries(cases)) {
    test(name, async () => {
      const theirs = await exchange({ port: nginx.port }, bytes, 1_000)
      assert.match(theirs.data.toString('latin1'), /^(HTTP\/1\.1 [45]|<html>)/, 'nginx answers')
      const lines = await nginx.accessLog(++logged)
      assert.equal(lines.length, logged)
      const wire = await exchange({ port: ours.port }, bytes, 1_000)
      assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'])
      const [line = '', ...more] = log.take()
      assert.deepEqual(more, [])
      const silent = withoutTime(lines.at(-1) as string).replace(/" \d{3} \d+ "/, '" 444 0 "')
      assert.equal(withoutTime(line), silent)
    })
  }
})
