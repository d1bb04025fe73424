import type { Server } from 'node:net'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type DropEvent, onDrop, protect, type Request, rule } from '../../lib/index.ts'
import { uncaught } from '../support/events.ts'
import { parseFrames } from '../support/http2-frames.ts'
import { RawClient } from '../support/raw-client.ts'
import { type RunningServer, type ServerKind, start } from '../support/servers.ts'
import { type Attempt, attempt, isPreface, Random, type Shape, saysGoaway } from './fuzz-grammar.ts'

/** A server that attempts go to, and how: under the TLS handshake, in it, or beneath it once it is done. */
interface Target {
  readonly name: string
  readonly server: ServerKind
  readonly layer: 'app' | 'tcp' | 'record'
  readonly expects: Shape
  readonly alpn?: string
  /** The verdict comes a turn later. */
  readonly late?: boolean
  /** The app listens to what Node else answers itself. */
  readonly listens?: boolean
}

const targets: readonly Target[] = [
  { name: 'http', server: 'http', layer: 'app', expects: 'http1' },
  { name: 'http, app with listeners', server: 'http', layer: 'app', expects: 'http1', listens: true },
  { name: 'http, late verdict', server: 'http', layer: 'app', expects: 'http1', late: true },
  { name: 'https', server: 'https', layer: 'app', expects: 'http1' },
  { name: 'https, before the handshake', server: 'https', layer: 'tcp', expects: 'tls' },
  { name: 'https, beneath TLS', server: 'https', layer: 'record', expects: 'noise' },
  { name: 'http2-h1', server: 'http2-h1', layer: 'app', expects: 'http1', alpn: 'http/1.1' },
  { name: 'http2', server: 'http2', layer: 'app', expects: 'http2', alpn: 'h2' },
  { name: 'http2, beneath TLS', server: 'http2', layer: 'record', expects: 'noise', alpn: 'h2' },
  { name: 'http2, before the handshake', server: 'http2', layer: 'tcp', expects: 'tls' },
  { name: 'h2c', server: 'h2c', layer: 'app', expects: 'http2' },
  { name: 'h2c, late verdict', server: 'h2c', layer: 'app', expects: 'http2', late: true },
]

const isTls = ({ server }: Target) => server !== 'http' && server !== 'h2c'
const speaksHttp2 = ({ server, layer }: Target) => layer === 'app' && (server === 'http2' || server === 'h2c')

export interface Finding {
  readonly number: number
  readonly target: string
  readonly problem: string
  readonly attempt: Attempt
  readonly reasons: readonly string[]
}

export interface Report {
  readonly seed: number
  readonly attempts: number
  readonly reasons: Readonly<Record<string, number>>
  readonly problems: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
  /** What was left open at the end. */
  readonly leaks: readonly string[]
}

/** How long a connection may take to end, ms; the time limits of the guard are far shorter. */
const PATIENCE = 4_000
/** The same where streams in flight may finish. */
const GRACE = 12_000

/** A guarded server that lets nothing pass, and how often its app was asked all the same. */
class Dead {
  /** Whose requests reached the app. */
  readonly called = new Set<string>()
  readonly running: RunningServer

  private constructor(running: RunningServer) {
    this.running = running
  }

  static async start({ server, late, listens }: Target): Promise<Dead> {
    const onCall = (req: Request) => dead.called.add(req.socket.remoteAddress ?? '')
    const dead: Dead = new Dead(await start({ server, app: 'bare' }, [], onCall))
    const events = ['upgrade', 'connect', 'checkContinue', 'checkExpectation']
    if (listens) for (const event of events) dead.running.server.on(event, onCall)
    const no = late ? rule('no', () => turn('no')) : rule('no', () => 'no')
    protect(dead.running.server, {
      rules: [no],
      handshakeTimeout: 1_500,
      headerTimeout: 500,
      bodyTimeout: 500,
    })
    return dead
  }

  async left(): Promise<number> {
    const until = performance.now() + 12_000
    for (;;) {
      const count = await new Promise<number>(resolve =>
        (this.running.server as Server).getConnections((_error, open) => resolve(open)),
      )
      if (count === 0 || performance.now() > until) return count
      await pause(20)
    }
  }
}

interface Outcome {
  /** What came after the handshake: the bytes on the wire, and what they were. */
  readonly received: number
  readonly data: Buffer
  readonly end: string
}

/** TLS encrypts a turn later, a record a turn. */
async function written(client: RawClient): Promise<void> {
  for (let quiet = 0, last = -1; quiet < 3 && !client.tcp.destroyed; quiet++) {
    if (client.tcp.bytesWritten !== last) quiet = 0
    last = client.tcp.bytesWritten
    await turn()
  }
}

async function play(to: Dead, target: Target, attempt: Attempt, localAddress: string): Promise<Outcome> {
  const { packets, ending } = attempt
  const tls = isTls(target) && target.layer !== 'tcp'
  const alpn = target.alpn === undefined ? {} : { alpn: [target.alpn] }
  const client = await RawClient.open({ port: to.running.port, localAddress, tls, ...alpn })
  const before = client.received
  client.tcp.setNoDelay()
  for (const packet of packets) {
    if (client.end !== 'open' || client.tcp.destroyed) break
    if (target.layer === 'record') client.tcp.write(packet)
    else client.send(packet)
    await written(client)
  }
  if (ending === 'rst') {
    await turn()
    client.tcp.resetAndDestroy()
  } else {
    if (ending === 'fin') client.finish()
    await client.ended(speaksHttp2(target) ? GRACE : PATIENCE)
  }
  client.destroy()
  return { received: client.received - before, data: client.data, end: ending === 'rst' ? 'own' : client.end }
}

/** The types of TLS records that bytes are made of, as far as they are. */
function recordTypes(data: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at < data.length; at += 5 + (at + 5 <= data.length ? data.readUInt16BE(at + 3) : 0)) {
    types.push(data[at] as number)
  }
  return types
}

/** Frames of HTTP/2 that answer nothing. */
const harmless = ['SETTINGS', 'PING', 'WINDOW_UPDATE', 'RST_STREAM', 'GOAWAY']

/** What came back and should not have. */
function wrongBytes(target: Target, sent: Buffer, { received, data }: Outcome): string | undefined {
  const bytes = `${received} bytes: ${JSON.stringify(data.toString('latin1', 0, 80))}`
  if (speaksHttp2(target) && isPreface(sent)) {
    const types = parseFrames(data).map(({ type }) => type)
    return types.every(type => harmless.includes(type)) ? undefined : `frames ${types}`
  }
  // One alert: the protocol's own.
  if (target.layer === 'record') return received <= 40 && data.length === 0 ? undefined : bytes
  // Who says nothing and leaves is told goodbye by TLS.
  if (target.layer === 'app' && isTls(target) && !/[^\r\n]/.test(sent.toString('latin1')) && received <= 24)
    return undefined
  if (target.layer !== 'tcp' || sent[0] !== 22) return received === 0 ? undefined : bytes
  const types = recordTypes(data)
  return types.length < 10 && types.every(type => type >= 20 && type <= 23) ? undefined : bytes
}

/** How many events are too many: on HTTP/1 the first one ends the connection. */
function mostEvents(target: Target, sent: Buffer): number {
  // What is behind a request that waits for its verdict may have been broken before that came.
  if (target.late && !speaksHttp2(target)) return 2
  if (!speaksHttp2(target) || !isPreface(sent)) return 1
  return 1 + parseFrames(sent.subarray(24)).filter(({ type }) => type === 'HEADERS').length
}

function problemOf(
  target: Target,
  { packets, ending }: Attempt,
  outcome: Outcome,
  reasons: readonly string[],
) {
  const sent = Buffer.concat(packets)
  const bytes = wrongBytes(target, sent, outcome)
  if (bytes) return bytes
  if (reasons.length > mostEvents(target, sent)) return `${reasons.length} events`
  if (outcome.end === 'open') return 'still open'
  const saidSomething =
    target.layer === 'app' && !speaksHttp2(target) && /[^\r\n]/.test(sent.toString('latin1'))
  const isOurs =
    ending === 'wait' ? !(speaksHttp2(target) && saysGoaway(sent)) : ending === 'fin' && saidSomething
  if (isOurs && sent.length > 0 && reasons.length === 0) return 'no event'
  return undefined
}

/** Findings of one kind that are kept; the others are only counted. */
const OF_A_KIND = 2
const kindOf = ({ target, problem }: Finding) => `${target}: ${problem.slice(0, 12)}`

/** How long the bytes of one finding are made fewer, ms. */
const MINIMISING = 8_000

/** A machine of attempts against its own servers. */
class Fuzz {
  readonly #seed: number
  readonly #servers: readonly Dead[]
  readonly #events = new Map<string, DropEvent[]>()
  readonly #stop: () => void
  readonly findings: Finding[] = []
  /** How often each kind of problem was found. */
  readonly problems: Record<string, number> = {}
  readonly reasons: Record<string, number> = {}
  attempts = 0
  #address = 0

  private constructor(seed: number, servers: readonly Dead[]) {
    this.#seed = seed
    this.#servers = servers
    this.#stop = onDrop(event => {
      const { peerAddress = '', reason } = event
      this.#events.get(peerAddress)?.push(event)
      this.reasons[reason] = (this.reasons[reason] ?? 0) + 1
    })
  }

  static async start(seed: number): Promise<Fuzz> {
    return new Fuzz(seed, await Promise.all(targets.map(Dead.start)))
  }

  /** Plays one, from an address of its own, and returns what was wrong. */
  async try(index: number, attempt: Attempt): Promise<{ problem: string | undefined; reasons: string[] }> {
    const target = targets[index] as Target
    const server = this.#servers[index] as Dead
    const id = ++this.#address
    const address = `127.${1 + (id >> 16)}.${(id >> 8) & 255}.${id & 255}`
    const events: DropEvent[] = []
    this.#events.set(address, events)
    let problem: string | undefined
    const reasons = () => events.map(({ rule, reason, detail }) => `${rule} ${reason} ${detail ?? ''}`)
    try {
      const outcome = await play(server, target, attempt, address)
      // An event that comes late may be one too many.
      await pause(100)
      problem = problemOf(target, attempt, outcome, reasons())
    } catch (error) {
      problem = `the connection failed: ${(error as Error).message}`
    }
    if (uncaught.length > 0) problem = `uncaught: ${uncaught.splice(0).map(error => (error as Error).stack)}`
    if (server.called.delete(address)) problem = 'the app was called'
    this.#events.delete(address)
    return { problem, reasons: reasons() }
  }

  async run(number: number): Promise<void> {
    const index = number % targets.length
    const target = targets[index] as Target
    const made = attempt(new Random(this.#seed + Math.imul(number, 0x9e3779b1)), target.expects)
    const { problem, reasons } = await this.try(index, made)
    this.attempts++
    if (!problem) return
    const finding = { number, target: target.name, problem, attempt: made, reasons }
    const kind = kindOf(finding)
    this.problems[kind] = (this.problems[kind] ?? 0) + 1
    if ((this.problems[kind] as number) <= OF_A_KIND) this.findings.push(finding)
  }

  /** Leaves out what the problem does without. */
  async minimise(finding: Finding): Promise<Attempt> {
    const index = targets.findIndex(({ name }) => name === finding.target)
    const kind = finding.problem.slice(0, 12)
    let { attempt } = finding
    const holds = async (candidate: Attempt) =>
      (await this.try(index, candidate)).problem?.startsWith(kind) ?? false
    const whole = { ...attempt, packets: [Buffer.concat(attempt.packets)] }
    if (await holds(whole)) attempt = whole
    const until = performance.now() + MINIMISING
    for (let size = 512; size >= 1; size >>= 1) {
      for (
        let at = 0;
        performance.now() < until && at < Math.max(...attempt.packets.map(({ length }) => length));
      ) {
        const packets = attempt.packets.map(packet =>
          Buffer.concat([packet.subarray(0, at), packet.subarray(at + size)]),
        )
        const shorter = { ...attempt, packets: packets.filter(({ length }) => length > 0) }
        if (await holds(shorter)) attempt = shorter
        else at += size
      }
    }
    return attempt
  }

  /** What is left open when every client has gone. */
  async close(): Promise<string[]> {
    const problems: string[] = []
    for (const [index, server] of this.#servers.entries()) {
      const left = await server.left()
      if (left > 0) problems.push(`${targets[index]?.name}: ${left} connections left`)
      if (server.called.size > 0) problems.push(`${targets[index]?.name}: the app was called`)
      await server.running.close()
    }
    this.#stop()
    return problems
  }
}

const AT_ONCE = 64

/**
 * Plays attempts for a while; the same seed makes the same ones.
 *
 * @param only the number of the one attempt to play
 */
export async function fuzz(seed: number, ms: number, only?: number): Promise<Report> {
  const fuzz = await Fuzz.start(seed)
  const until = performance.now() + ms
  let next = 0
  const worker = async () => {
    while (performance.now() < until) await fuzz.run(next++)
  }
  if (only === undefined) await Promise.all(Array.from({ length: AT_ONCE }, worker))
  else await fuzz.run(only)
  const { attempts } = fuzz
  const reasons = { ...fuzz.reasons }
  const { problems } = fuzz
  const findings: Finding[] = []
  for (const finding of fuzz.findings) findings.push({ ...finding, attempt: await fuzz.minimise(finding) })
  return { seed, attempts, reasons, problems, findings, leaks: await fuzz.close() }
}

/** A report as text: counts, and every finding with what reproduces it. */
export function describe({ seed, attempts, reasons, problems, findings, leaks }: Report): string {
  const counts = Object.entries({ ...reasons, ...problems }).sort(([, a], [, b]) => b - a)
  const lines = findings.map(({ number, target, problem, attempt, reasons }) => {
    const packets = attempt.packets.map(packet => JSON.stringify(packet.toString('latin1')))
    const what = `${target}: ${problem}\n  events: ${reasons.join(', ') || 'none'}`
    return `${what}\n  FUZZ_SEED=${seed} FUZZ_ONLY=${number}, ${attempt.ending}, at least:\n    ${packets.join('\n    ')}`
  })
  const summary = counts.map(([reason, count]) => `  ${String(count).padStart(8)} ${reason}`)
  return [`seed ${seed}: ${attempts} attempts`, ...summary, ...leaks, ...lines].join('\n')
}

/** The seed of `FUZZ_SEED`, else that of all tests, which `npm run test:all` sets, else any. */
export function seedOf(): number {
  const { FUZZ_SEED, DROP444_SEED = 'random' } = process.env
  return Number(FUZZ_SEED ?? (DROP444_SEED === 'random' ? Date.now() % 2 ** 31 : DROP444_SEED))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { FUZZ_SECONDS = '60', FUZZ_ONLY } = process.env
  const seed = seedOf()
  console.log(`FUZZ_SEED=${seed}`)
  const report = await fuzz(
    seed,
    Number(FUZZ_SECONDS) * 1000,
    FUZZ_ONLY === undefined ? undefined : Number(FUZZ_ONLY),
  )
  console.log(describe(report))
  process.exit(report.findings.length + report.leaks.length > 0 ? 1 : 0)
}
