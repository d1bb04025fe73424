import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rule } from '../../lib/index.ts'
import { startNginx } from '../support/nginx.ts'
import { get } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { combinedLog, withoutTime } from './combined-log.ts'

async function ask(path: string): Promise<void> {
  const socket = connect(path)
  socket.end(get()).resume()
  await once(socket, 'close')
}

test('nginx: the log line over a unix-domain socket is the same', {
  skip: requireTool('nginx'),
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'drop444-unix-'))
  const [theirPath, ourPath] = [join(directory, 'nginx'), join(directory, 'node')] as const
  const nginx = await startNginx({
    servers: address => `server { listen ${address}; listen unix:${theirPath}; return 444; }`,
  })
  const log = combinedLog()
  const everything = rule('all', () => 'x')
  const server = http.createServer((req, res) => everything(req, res, () => res.end('served')))
  const ours = await listen(server, ourPath)
  try {
    await ask(theirPath)
    await ask(ourPath)
    const lines = await nginx.accessLog(1)
    assert.match(String(lines), /^unix: - - /)
    assert.deepEqual(log.take().map(withoutTime), lines.map(withoutTime))
  } finally {
    log.stop()
    await nginx.close()
    await ours.close()
    await rm(directory, { recursive: true })
  }
})
