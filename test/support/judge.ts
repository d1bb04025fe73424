import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Rule } from '../../lib/index.ts'

setFlagsFromString('--expose-gc')

/** Collects garbage. */
export const collect = runInNewContext('gc') as () => void

let requests = 0

/**
 * Has a rule judge one request that no server has read, each for another path. Resolves when it has passed, or its connection
 * is closed, or it was answered.
 */
export function judge(
  rule: Rule,
  headers: Record<string, string> = {},
  address = '127.0.0.1',
): Promise<void> {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  Object.assign(socket, { remoteAddress: address, setTimeout() {}, setNoDelay() {}, setKeepAlive() {} })
  const req = new IncomingMessage(socket as Socket)
  const line = { method: 'GET', url: `/${requests++}`, httpVersion: '1.1' }
  Object.assign(req, line, { httpVersionMajor: 1, httpVersionMinor: 1, complete: true })
  Object.assign(req.headers, { host: 'a.example', ...headers })
  const res = new ServerResponse(req)
  res.assignSocket(socket as Socket)
  return new Promise(resolve => {
    socket.on('close', () => resolve())
    res.on('finish', () => resolve())
    rule(req, res, () => resolve())
  })
}
