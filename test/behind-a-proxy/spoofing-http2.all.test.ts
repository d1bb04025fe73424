import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { describe, test } from 'node:test'
import { type DropEvent, onDrop } from '../../lib/index.ts'
import { type Kind, type RunningServer, start } from '../support/servers.ts'
import { isTrusted, rulesAgainst } from './spoofing-cell.ts'
import { forwardedLines } from './spoofing-requests.ts'
import { CLAIMED, judgedOn, type Setting, settings, type Way, ways } from './spoofing-settings.ts'
import { type Attempt, attempts } from './spoofing-table.ts'

/** What HTTP/2 can carry: no trailers of HTTP/1, no `Connection`, at most 128 lines. */
const carried = attempts.filter(({ forwarded, others }) => !others && forwarded.length < 100)

/** Over connections as the server leaves them open. */
class Http2Line {
  #session: http2.ClientHttp2Session | undefined
  readonly #port: number
  readonly #from: string

  constructor(port: number, from: string) {
    this.#port = port
    this.#from = from
  }

  /** The status; `silence` where the connection ends without. */
  async ask(attempt: Attempt, way: Way): Promise<string> {
    if (!this.#session || this.#session.closed || this.#session.destroyed) {
      const options = { localAddress: this.#from } as http2.ClientSessionOptions
      this.#session = http2.connect(`http://127.0.0.1:${this.#port}`, options)
      this.#session.on('error', () => {})
    }
    const values = forwardedLines(attempt, way).map(line => line.slice(line.indexOf(':') + 1).trim())
    const stream = this.#session.request({
      ':path': '/',
      ...(values.length > 0 ? { 'x-forwarded-for': values } : {}),
    })
    let status = 'silence'
    stream.on('response', headers => {
      status = String(headers[':status'])
    })
    stream.on('error', () => {})
    stream.resume()
    const session = this.#session
    await new Promise<void>(resolve => stream.once('close', resolve))
    if (status === 'silence' && !session.destroyed)
      await new Promise<void>(done => session.once('close', done))
    return status
  }

  close(): void {
    this.#session?.destroy()
  }
}

async function violations(server: RunningServer, setting: Setting, way: Way): Promise<string[]> {
  const judged = judgedOn(way, setting)
  const expected = isTrusted({ way, judged }) ? '444' : 'silence'
  const line = new Http2Line(server.port, way.from)
  let event: DropEvent | undefined
  const stop = onDrop(seen => {
    event = seen
  })
  const wrong: string[] = []
  for (const attempt of carried) {
    event = undefined
    const seen = `${await line.ask(attempt, way)} ${(event as DropEvent | undefined)?.clientAddress}`
    if (seen !== `${expected} ${judged}`) wrong.push(`${attempt.name}: ${seen}`)
  }
  stop()
  line.close()
  return wrong
}

const kind: Pick<Kind, 'server' | 'app'> = { server: 'h2c', app: 'connect' }

describe('no header gets an attacker past a rule over HTTP/2', () => {
  for (const setting of settings.filter(({ name }) => ['unset', '1', "'127.0.0.1'", '2'].includes(name))) {
    for (const way of ways.filter(({ name }) => name !== 'stranger')) {
      const judged = judgedOn(way, setting)
      if (judged === CLAIMED) continue
      test(`${setting.name}, ${way.name}: ${judged} is judged`, async () => {
        const trust = setting.trust === undefined ? {} : { trustProxy: setting.trust }
        for (const rule of ['denyCidr', 'allowCidr']) {
          const make = rulesAgainst[rule] as (typeof rulesAgainst)[string]
          const server = await start(kind, [make(judged, trust)], (_req, res) => res.end('fine'))
          assert.deepEqual(await violations(server, setting, way), [], rule)
          await server.close()
        }
      })
    }
  }
})
