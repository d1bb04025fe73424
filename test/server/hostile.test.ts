import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type DropEvent, protect } from '../../lib/index.ts'
import { collectDrops, uncaught } from '../support/events.ts'
import { parseFrames } from '../support/http2-frames.ts'
import { get, RawClient, SOON, type Wire } from '../support/raw-client.ts'
import { type RunningServer, type ServerKind, start } from '../support/servers.ts'
import { clientOptions, type Hostile, inBatches, load, send, themes } from './corpus/load.ts'

const LIMIT = 2 * SOON

after(() => assert.deepEqual(uncaught.splice(0), []))

interface Outcome {
  readonly input: Hostile
  readonly address: string
  readonly wire: Wire
  /** All that came after the handshake. */
  readonly received: number
}

/** What the client got, if it is not what it should have got. */
function wrongBytes({ input, wire, received }: Outcome): string | undefined {
  const { allow, answers = 0 } = input
  if (answers > 0) {
    const responses = wire.data.toString('latin1').split(/(?=HTTP\/1\.1 )/)
    const good = responses.filter(text => /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nfine$/.test(text))
    if (good.length === answers && responses.length === answers) return undefined
    return `${responses.length} responses, ${good.length} of them whole, instead of ${answers}`
  }
  if (allow === undefined) return received === 0 ? undefined : `${received} bytes: ${sample(wire.data)}`
  if (allow === 'http2-frames') {
    const frames = parseFrames(wire.data).map(({ type }) => type)
    return frames.every(type => harmless.includes(type)) ? undefined : `frames ${frames}`
  }
  const records = recordTypes(wire.data)
  const isFine = allow === 'tls-alert' ? records.every(type => type === 21) : records.every(isRecord)
  return isFine && records.length < 10 ? undefined : `records ${records}: ${sample(wire.data)}`
}

const harmless = ['SETTINGS', 'PING', 'WINDOW_UPDATE', 'RST_STREAM', 'GOAWAY']
const isRecord = (type: number) => type >= 20 && type <= 23
const sample = (data: Buffer) => JSON.stringify(data.toString('latin1', 0, 60))

function recordTypes(data: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at + 5 <= data.length; at += 5 + data.readUInt16BE(at + 3)) types.push(data[at] as number)
  return types
}

function wrongEvents({ input }: Outcome, events: readonly DropEvent[]): string | undefined {
  const [event] = events
  if (events.length !== 1) return `${events.length} events: ${events.map(({ reason }) => reason)}`
  if (event?.reason !== input.reason || event.rule !== 'protect')
    return `${event?.rule}: ${event?.reason} (${event?.detail}) instead of ${input.reason}`
  if (input.requestLine === undefined || event.requestLine === input.requestLine) return undefined
  return `request line ${JSON.stringify(event.requestLine)}`
}

async function run(server: RunningServer, kind: ServerKind, input: Hostile, address: string) {
  const client = await RawClient.open(clientOptions(kind, server.port, input, address))
  const before = client.received
  await send(client, input)
  const wire = await client.ended(LIMIT)
  const received = client.received - before
  client.destroy()
  return { input, address, wire, received }
}

async function connections({ server }: RunningServer): Promise<number> {
  return new Promise(resolve => server.getConnections((_error, count) => resolve(count)))
}

/** Waits until the server is rid of every connection: then no event is still to come. */
async function leftOver(server: RunningServer): Promise<string[]> {
  const until = performance.now() + 20_000
  let left = await connections(server)
  while (left > 0 && performance.now() < until) {
    await new Promise(resolve => setTimeout(resolve, 5))
    left = await connections(server)
  }
  return left === 0 ? [] : [`${left} connections that nobody closed`]
}

async function assertAnswers(server: RunningServer, kind: ServerKind): Promise<void> {
  if (kind === 'h2c' || kind === 'http2') return
  const good = { name: 'good', why: '', to: [kind], bytes: get('/', { Connection: 'close' }) }
  const client = await RawClient.open(clientOptions(kind, server.port, good, '127.0.0.1'))
  await send(client, good)
  assert.match((await client.ended()).data.toString(), /^HTTP\/1\.1 200 OK[\s\S]*fine$/)
  client.destroy()
}

for (const theme of themes.filter(name => name !== 'legitimate')) {
  const all = load<Hostile>(theme)
  for (const kind of new Set(all.flatMap(({ to }) => to))) {
    const inputs = all.filter(({ to }) => to.includes(kind))
    test(`${inputs.length} of ${theme} on ${kind}: no byte, one event each`, async () => {
      const calls = new Map<string, number>()
      const server = await start({ server: kind, app: 'bare' }, [], (req, res) => {
        const address = req.socket.remoteAddress as string
        calls.set(address, (calls.get(address) ?? 0) + 1)
        req.on('error', () => {}).on('end', () => res.end('fine'))
        req.resume()
      })
      protect(server.server)
      const drops = collectDrops()
      try {
        const outcomes = await inBatches(inputs, 20, (input, address) => run(server, kind, input, address))
        const left = await leftOver(server)
        await assertAnswers(server, kind)
        const failures = outcomes.flatMap(outcome => {
          const { input, wire, address } = outcome
          const { answers = 0, phase } = input
          const called = calls.get(address) ?? 0
          const events = drops.events.filter(({ peerAddress }) => peerAddress === address)
          const wrong = [
            wrongBytes(outcome),
            wrongEvents(outcome, events),
            wire.end === 'open' ? 'still open' : undefined,
            wire.end !== 'open' && wire.elapsed > LIMIT ? `${Math.round(wire.elapsed)} ms` : undefined,
            called < answers || called > answers + (phase === 'body' ? 1 : 0)
              ? `app called ${called} times`
              : undefined,
          ].filter(text => text !== undefined)
          return wrong.length > 0 ? [`${input.name}: ${wrong.join('; ')}`] : []
        })
        assert.deepEqual([...failures, ...left], [])
      } finally {
        drops.stop()
        await server.close()
      }
    })
  }
}
