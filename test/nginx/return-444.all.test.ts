import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { rule } from '../../lib/index.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { exchange } from '../support/raw-client.ts'
import { buildApp, listen, type RunningServer } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { combinedLog, withoutTime } from './combined-log.ts'
import { logExceptions, nodeAnswers, silentExceptions } from './exceptions.ts'
import { logCases } from './log-cases.ts'

const apps = ['express5', 'bare'] as const

describe('nginx: return 444 gives the client and the log the same', { skip: requireTool('nginx') }, () => {
  const ours = {} as Record<(typeof apps)[number], RunningServer>
  const log = combinedLog()
  let nginx: Nginx

  before(async () => {
    nginx = await startNginx({
      servers: address => `server { listen ${address} default_server; server_name _; return 444; }`,
    })
    const everything = rule('all', () => 'x')
    for (const app of apps) {
      const listener = buildApp(app, [everything], (_req, res) => res.end('served'))
      // The parser is as lenient as nginx's for bare http alone: what Express gets is what Node takes by default.
      ours[app] = await listen(http.createServer({ insecureHTTPParser: app === 'bare' }, listener))
    }
  })

  after(async () => {
    log.stop()
    await nginx?.close()
    for (const server of Object.values(ours)) await server.close()
  })

  /** What nginx did with the request, and the one line it logged. */
  async function askNginx(bytes: string) {
    const logged = (await nginx.accessLog()).length
    const wire = await exchange({ port: nginx.port }, bytes)
    const lines = (await nginx.accessLog(logged + 1)).slice(logged)
    assert.equal(lines.length, 1)
    return { wire, line: withoutTime(lines[0] as string) }
  }

  async function askOurs(app: (typeof apps)[number], bytes: string) {
    log.take()
    const wire = await exchange({ port: ours[app].port }, bytes)
    return { wire, lines: log.take().map(withoutTime) }
  }

  for (const { name, bytes, lenient, unread } of logCases) {
    test(name, async () => {
      const theirs = await askNginx(bytes)
      const end = unread ? 'rst' : 'fin'
      assert.deepEqual([theirs.wire.wireBytes, theirs.wire.end], [0, end], 'nginx')
      assert.match(theirs.line, / 444 0 "/)
      for (const app of apps) {
        if (lenient && app === 'express5') continue
        const { wire, lines } = await askOurs(app, bytes)
        assert.deepEqual([wire.wireBytes, wire.end], [0, end], app)
        assert.deepEqual(lines, [theirs.line], app)
      }
    })
  }

  for (const exception of logExceptions) {
    test(`exception: ${exception.name}`, async () => {
      const theirs = await askNginx(exception.bytes)
      assert.equal(theirs.line, `127.0.0.1 - - [time] ${exception.nginx}`)
      for (const app of apps) {
        const { wire, lines } = await askOurs(app, exception.bytes)
        assert.deepEqual([wire.wireBytes, wire.end], [0, 'fin'], app)
        assert.deepEqual(lines, [`127.0.0.1 - - [time] ${exception.ours}`], app)
      }
    })
  }

  for (const exception of silentExceptions) {
    test(`exception: ${exception.name}`, async () => {
      const theirs = await askNginx(exception.bytes)
      assert.ok(theirs.wire.data.toString('latin1').startsWith(exception.nginx), 'nginx answers')
      for (const app of apps) {
        const { wire, lines } = await askOurs(app, exception.bytes)
        assert.deepEqual([wire.wireBytes, wire.end, lines.length], [0, 'fin', 1], app)
      }
    })
  }

  for (const { name, bytes, ours: code } of nodeAnswers) {
    test(`exception: ${name}`, async () => {
      const theirs = await askNginx(bytes)
      assert.deepEqual([theirs.wire.wireBytes, theirs.wire.end], [0, 'fin'], 'nginx')
      const { wire } = await askOurs('express5', bytes)
      assert.ok(wire.data.toString('latin1').startsWith(`HTTP/1.1 ${code} `), wire.data.toString('latin1'))
    })
  }
})
