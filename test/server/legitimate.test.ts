import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { protect } from '../../lib/index.ts'
import { collectDrops, uncaught } from '../support/events.ts'
import { parseFrames } from '../support/http2-frames.ts'
import { get, RawClient } from '../support/raw-client.ts'
import { type Handler, type RunningServer, type ServerKind, start } from '../support/servers.ts'
import { clientOptions, inBatches, type Legitimate, load, send } from './corpus/load.ts'

const PATIENCE = 20_000

after(() => assert.deepEqual(uncaught.splice(0), []))

/** Tells all it saw, so that a changed request shows. Without Date, so that bytes can be compared. */
const echo: Handler = (req, res) => {
  const body: Buffer[] = []
  req.on('error', () => {}).on('data', chunk => body.push(chunk))
  req.on('end', () => {
    const { method, url, httpVersion, rawHeaders, rawTrailers } = req
    const text = JSON.stringify({
      method,
      url,
      httpVersion,
      rawHeaders,
      rawTrailers,
      body: Buffer.concat(body).toString('latin1'),
    })
    res.sendDate = false
    res.setHeader('Content-Length', Buffer.byteLength(text))
    res.end(text)
  })
}

const isHttp2 = (kind: ServerKind) => kind === 'http2' || kind === 'h2c'

/** Final responses so far: heads on HTTP/1, ended streams on HTTP/2. */
function answersIn(kind: ServerKind, { data }: RawClient): number {
  if (!isHttp2(kind)) return data.toString('latin1').match(/HTTP\/1\.1 [2-5]/g)?.length ?? 0
  return responseFrames(data).filter(({ flags }) => (flags & 1) === 1).length
}

const responseFrames = (data: Buffer) =>
  parseFrames(data).filter(({ type }) => type !== 'SETTINGS' && type !== 'WINDOW_UPDATE' && type !== 'PING')

/** What a client is told, and whether the connection is left open: then one more request is answered. */
async function told(
  server: RunningServer,
  kind: ServerKind,
  input: Legitimate,
  address: string,
): Promise<string> {
  const client = await RawClient.open(clientOptions(kind, server.port, input, address))
  client.tcp.setNoDelay(true)
  await send(client, input)
  const { answers = 1, open = false } = input
  const isAnswered = await client.until(
    () => client.end !== 'open' || (open && answersIn(kind, client) >= answers),
    PATIENCE,
  )
  if (!isAnswered) return `no answer: ${client.text}`
  if (isHttp2(kind)) {
    client.destroy()
    return responseFrames(client.data)
      .map(({ type, flags, stream, payload }) => `${type} ${flags} ${stream} ${payload.toString('latin1')}`)
      .join('\n')
  }
  if (open) client.send(get('/last', { Connection: 'close' }))
  const wire = await client.ended(PATIENCE)
  client.destroy()
  return `${wire.data.toString('latin1')}\n${wire.end === 'open' ? 'still open' : 'closed'}`
}

const all = load<Legitimate>('legitimate')

for (const kind of new Set(all.flatMap(({ to }) => to))) {
  const inputs = all.filter(({ to }) => to.includes(kind))
  test(`${inputs.length} odd but valid inputs on ${kind}: the same response, no event`, async () => {
    const bare = await start({ server: kind, app: 'bare' }, [], echo)
    const guarded = await start({ server: kind, app: 'bare' }, [], echo)
    protect(guarded.server)
    const drops = collectDrops()
    try {
      const failures = await inBatches(inputs, 20, async (input, address) => {
        const before = await told(bare, kind, input, address)
        const now = await told(guarded, kind, input, address)
        const { open = false, answers = 1 } = input
        const events = drops.events.filter(({ peerAddress }) => peerAddress === address)
        const wrong = [
          before === now
            ? undefined
            : `${JSON.stringify(now.slice(-400))} instead of ${JSON.stringify(before.slice(-400))}`,
          events.length === 0 ? undefined : `events ${events.map(({ reason }) => reason)}`,
          isHttp2(kind) || before.includes('"url":"/last"') === open
            ? undefined
            : `open is not ${open} without protect`,
          isHttp2(kind) || countOf(before) === answers + (open ? 1 : 0)
            ? undefined
            : `${countOf(before)} answers`,
        ].filter(text => text !== undefined)
        return wrong.length === 0 ? '' : `${input.name}: ${wrong.join('; ')}`
      })
      assert.deepEqual(
        failures.filter(text => text !== ''),
        [],
      )
      assert.deepEqual(drops.events, [])
    } finally {
      drops.stop()
      await bare.close()
      await guarded.close()
    }
  })
}

function countOf(text: string): number {
  return text.match(/HTTP\/1\.1 200/g)?.length ?? 0
}
