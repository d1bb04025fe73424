import assert from 'node:assert/strict'
import { test } from 'node:test'
import { badAgent, noHost, onDrop, pathAllowlist, protect, type Rule, rateLimit } from '../../lib/index.ts'
import { parseFrames } from '../support/http2-frames.ts'
import { RawClient } from '../support/raw-client.ts'
import { type Handler, type RunningServer, type ServerKind, start } from '../support/servers.ts'
import { clientOptions, type Input, inBatches, load, send } from './corpus/load.ts'

/** The app of every server: it answers at once, and again when it has read the body. */
const handler: Handler = (req, res) => {
  let length = 0
  req.on('data', chunk => {
    length += chunk.length
  })
  req.on('error', () => {})
  req.on('end', () => res.end(`${req.method} ${length}`))
}

const everyRule = (): Rule[] => [
  noHost({ serverNames: ['localhost'] }),
  badAgent(),
  pathAllowlist(['/never']),
  rateLimit({ rate: '1r/m', noAddress: 'pass' }),
]

/** What is at the other end: nobody's guard, or a guard that only looks. */
const guards: Record<string, (server: RunningServer['server']) => void> = {
  'a dry run': server => void protect(server, { dryRun: true }),
  'a dry run of rules': server => void protect(server, { dryRun: true, rules: everyRule() }),
}

const withoutDate = (text: string) =>
  text.replace(/^date: .*\r\n/gim, '').replace(/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT/g, '')

/** HTTP/2 compresses the date: of HEADERS only the stream and the flags are compared. Streams may come in any order. */
function framesOf(bytes: Buffer): string {
  return parseFrames(bytes)
    .map(
      ({ type, flags, stream, payload }) =>
        `${stream} ${type} ${flags} ${type === 'HEADERS' ? '' : payload.toString('latin1')}`,
    )
    .filter(line => !/ (SETTINGS|WINDOW_UPDATE|PING) /.test(line) || line.includes('SETTINGS 0'))
    .sort()
    .join('\n')
}

/** What is encrypted differs each time: what is compared is the type and length of each record. */
function recordsOf(bytes: Buffer): string {
  const records: string[] = []
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    records.push(`${bytes[at]} ${bytes.readUInt16BE(at + 3)}`)
  }
  return records.join('\n')
}

async function answer(kind: ServerKind, port: number, input: Input, address: string, patience: number) {
  const client = await RawClient.open(clientOptions(kind, port, input, address)).catch(error =>
    String(error.code),
  )
  if (typeof client === 'string') return client
  await send(client, input)
  let seen = -1
  let quiet = performance.now()
  while (client.end === 'open' && performance.now() - quiet < patience) {
    if (client.received !== seen) quiet = performance.now()
    seen = client.received
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  await new Promise(resolve => setImmediate(resolve))
  const isHttp2 = (kind === 'http2' || kind === 'h2c') && !input.raw
  const isTls = input.raw && kind !== 'http' && kind !== 'h2c'
  const show = isHttp2
    ? framesOf
    : isTls
      ? recordsOf
      : (bytes: Buffer) => withoutDate(bytes.toString('latin1'))
  const text = show(client.data)
  const { end } = client
  client.destroy()
  // Whether unread bytes make the kernel say RST is a matter of time.
  return `${end === 'open' ? 'open' : 'ended'} ${text}`
}

/** Sends inputs to a bare server and to guarded ones, and compares to the byte; what differs is asked for once more, with patience. */
export function compareWithBare(themes: readonly string[], kinds: readonly ServerKind[], every = 1): void {
  for (const theme of themes) {
    for (const kind of kinds) {
      const inputs = load<Input>(theme).filter(({ to }, index) => to.includes(kind) && index % every === 0)
      if (inputs.length === 0) continue
      test(`${theme} on ${kind}: a dry run changes no byte, ${inputs.length} inputs`, async () => {
        const stop = onDrop(() => {})
        const differences: string[] = []
        const bare = await start({ server: kind, app: 'bare' }, [], handler)
        for (const [name, guard] of Object.entries(guards)) {
          const guarded = await start({ server: kind, app: 'bare' }, [], handler)
          guard(guarded.server)
          await inBatches(inputs, 30, async (input, address) => {
            let pair: [string, string] = ['', '']
            for (const patience of [100, 400, 2_000]) {
              pair = await Promise.all([
                answer(kind, bare.port, input, address, patience),
                answer(kind, guarded.port, input, address, patience),
              ])
              if (pair[0] === pair[1]) return
            }
            differences.push(`${name}: ${input.name}\n${pair[0]}\n--- is not ---\n${pair[1]}`)
          })
          await guarded.close()
        }
        await bare.close()
        stop()
        assert.deepEqual(differences, [])
      })
    }
  }
}
