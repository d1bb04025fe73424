import { readFileSync } from 'node:fs'
import { startNginx } from '../../test/support/nginx.ts'
import { requireTool } from '../../test/support/tools.ts'
import type { Seen, Visits } from '../servers/drop-client.ts'
import { cpuOf, launch, type Program } from '../servers/launch.ts'
import { Disagreement } from '../support/agree.ts'
import { atMost, type Context, type Result, type Row, type Section } from '../support/section.ts'
import { medianOf, spreadOf } from '../support/spread.ts'

interface Candidate {
  readonly name: string
  /** What `drop-server` calls it; nginx has none. */
  readonly tier?: string
  /** What is answered; 0 is silence. */
  readonly status: number
  /** The client ends the connection. */
  readonly keepsAlive?: boolean
}

const NGINX = 'nginx return 444'
const ACCEPT = 'drop444, at accept'
const CONNECTION = 'drop444, at connection'
const BEFORE = 'drop444, five rules before Express'
const MIDDLEWARE = 'drop444, first middleware of Express'
const CLOSE = 'Express 403, close'

const candidates: readonly Candidate[] = [
  { name: NGINX, status: 0 },
  { name: ACCEPT, tier: 'accept', status: 0 },
  { name: CONNECTION, tier: 'connection', status: 0 },
  { name: BEFORE, tier: 'before Express', status: 0 },
  { name: MIDDLEWARE, tier: 'middleware', status: 0 },
  { name: 'destroy in a request listener', tier: 'request listener', status: 0 },
  { name: CLOSE, tier: '403 close', status: 403 },
  { name: 'Express 403, keep-alive', tier: '403 keep-alive', status: 403, keepsAlive: true },
  { name: 'express-rate-limit 429', tier: '429', status: 429, keepsAlive: true },
]

/** A Node that asks at accept: this one, or the one that NODE22 names. */
function nodeFor(tier: string | undefined): string | undefined {
  if (tier !== 'accept') return process.execPath
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 13) ? process.execPath : process.env.NODE22
}

interface Server {
  readonly candidate: Candidate
  readonly port: number
  readonly pid: number
  readonly node: string
  close(): Promise<void>
  /** Of each round: processor time of the server in µs, and bytes on the loopback interface, a connection. */
  readonly cpu: number[]
  readonly wire: number[]
}

/** One process, one worker, no log of what is refused. It tells its pid to whoever asks it by its address. */
async function nginx(): Promise<Pick<Server, 'port' | 'pid' | 'close'>> {
  const { port, close } = await startNginx({
    servers: address => `
      server { listen ${address} default_server; access_log off; return 444; }
      server { listen ${address}; server_name 127.0.0.1; default_type text/plain; return 200 $pid; }`,
  })
  const response = await fetch(`http://127.0.0.1:${port}`)
  return { port, pid: Number(await response.text()), close }
}

/** Starts a candidate's server; says why there is none. */
async function start(candidate: Candidate): Promise<Server | string> {
  const rounds = { cpu: [], wire: [] }
  if (!candidate.tier) {
    const missing = requireTool('nginx')
    return missing || { candidate, node: '', ...rounds, ...(await nginx()) }
  }
  const node = nodeFor(candidate.tier)
  if (!node) return 'needs Node 22.13 or later: NODE22 may name one'
  const { pid, ready, close } = await launch<{ port: number }>('drop-server', [candidate.tier], node)
  return { candidate, node, pid, close, port: ready.port, ...rounds }
}

const visitsOf = ({ candidate, port }: Server, count: number): Visits => ({
  ...{ port, count },
  waits: !candidate.keepsAlive,
})

/** Bytes that have passed the loopback interface: IP and TCP headers too. */
function loopbackBytes(): number {
  const line = /^\s*lo:(.*)$/m.exec(readFileSync('/proc/net/dev', 'latin1'))?.[1] ?? ''
  return Number(line.trim().split(/\s+/)[8])
}

/** A round of connections. Throws where a candidate answers otherwise than it should. */
async function visit(client: Program<unknown>, server: Server, count: number): Promise<void> {
  const { candidate, pid, cpu, wire } = server
  const [before, sent] = [cpuOf(pid), loopbackBytes()]
  const { bytes, status, errors } = await client.ask<Seen>(visitsOf(server, count))
  wire.push((loopbackBytes() - sent) / count)
  cpu.push((cpuOf(pid) - before) / count / 1000)
  const isSilent = bytes === 0
  if (status !== candidate.status || isSilent !== (candidate.status === 0) || errors.length > 0) {
    throw new Disagreement(
      `${candidate.name}: ${status || 'silence'} in place of ${candidate.status || 'silence'}, ` +
        `${bytes} bytes on ${count} connections ${errors.join(' ')}`,
    )
  }
}

async function rounds(context: Context, client: Program<unknown>, servers: readonly Server[]) {
  const [count, least, warmUp] = context.quick ? [200, 1, 50] : [3000, 5, 3000]
  for (const server of servers) {
    context.progress(server.candidate.name)
    await visit(client, server, warmUp)
    server.cpu.length = server.wire.length = 0
  }
  const end = performance.now() + context.budgetMs
  for (let round = 0; round < least || performance.now() < end; round++) {
    context.progress(`round ${round + 1}`)
    const first = round % servers.length
    for (const server of [...servers.slice(first), ...servers.slice(0, first)]) {
      await visit(client, server, count)
    }
  }
}

function targetsOf(servers: readonly Server[]) {
  const of = (name: string) => servers.find(({ candidate }) => candidate.name === name)
  /** The median over rounds: what slows a whole round cancels out. */
  const ratio = (name: string, to: string, figure: 'cpu' | 'wire' = 'cpu') => {
    const [one, other] = [of(name)?.[figure], of(to)?.[figure]]
    return one && other && medianOf(one.map((value, round) => value / (other[round] as number)))
  }
  return [
    atMost('processor time of a drop at accept, against nginx', 1.5, ratio(ACCEPT, NGINX)),
    atMost('at connection, against nginx', 3, ratio(CONNECTION, NGINX)),
    atMost('five rules before Express, against nginx', 6.5, ratio(BEFORE, NGINX)),
    atMost('first middleware of Express, against nginx', 10, ratio(MIDDLEWARE, NGINX)),
    atMost("first middleware of Express, against Express's own 403 and close", 0.8, ratio(MIDDLEWARE, CLOSE)),
    ...[ACCEPT, CONNECTION, BEFORE, MIDDLEWARE].map(name =>
      atMost(`bytes on the wire, ${name}, against nginx, within 1 %`, 1.01, ratio(name, NGINX, 'wire')),
    ),
  ]
}

function rowsOf(server: Server): Row[] {
  const { candidate, node } = server
  const note = node && node !== process.execPath ? { note: 'another Node, which asks at accept' } : {}
  return [
    { candidate: candidate.name, at: 'processor time', unit: 'µs', ...spreadOf(server.cpu), ...note },
    {
      candidate: candidate.name,
      at: 'both ways on the wire',
      unit: 'bytes',
      ...spreadOf(server.wire),
      ...note,
    },
  ]
}

async function run(context: Context): Promise<Result> {
  const servers: Server[] = []
  const skipped: Row[] = []
  const client = await launch('drop-client')
  try {
    for (const candidate of candidates) {
      const server = await start(candidate)
      if (typeof server !== 'string') servers.push(server)
      else skipped.push({ candidate: candidate.name, at: 'processor time', unit: 'µs', skipped: server })
    }
    await rounds(context, client, servers)
  } finally {
    await client.close()
    for (const { close } of servers) await close()
  }
  const rows = servers.map(rowsOf)
  return {
    tables: [
      {
        title: 'A dropped request, each on a connection of its own',
        rows: [...rows.map(([cpu]) => cpu as Row), ...skipped],
      },
      {
        title: 'A dropped request: bytes, with the headers of IP and TCP',
        rows: rows.map(([, wire]) => wire as Row),
      },
    ],
    targets: targetsOf(servers),
    agreement: [
      {
        at: 'who is silent, and who answers what',
        probes: servers.reduce((sum, { cpu }) => sum + cpu.length, 0),
        candidates: servers.map(({ candidate }) => candidate.name),
      },
    ],
    notes: [
      'Processor time is that of the whole server process, by all its threads, as the kernel counts it. The client is another ' +
        'process, the same for all.',
      'nginx runs as one process and writes no access log; nobody listens to the drops of drop444.',
      'What was sent to the client by the application is 0 bytes in each of the silent rows: each round checks that.',
      'Bytes on the wire are those of the loopback interface: what others send there in the meantime counts too.',
    ],
  }
}

export const section: Section = { name: 'dropped', title: 'A dropped request', budgetMs: 75_000, run }
