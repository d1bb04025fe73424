import { once } from 'node:events'
import http2 from 'node:http2'
import { setTimeout as pause } from 'node:timers/promises'
import type { Nginx } from '../support/nginx.ts'

/** Settings of one `limit_req`, as nginx and as `rateLimit` have them. */
export interface Zone {
  readonly name: string
  readonly rate: `${number}r/${'s' | 'm'}`
  readonly burst?: number
  /** As in `rateLimit`: absent is `nodelay`. */
  readonly delay?: number | 'all'
  readonly status: 444 | 503
  readonly dryRun?: boolean
}

/**
 * `$connection_time` is by the monotonic clock that nginx decides by, from when the connection came. `$at` is that of the
 * decision: a delayed request is logged after its delay.
 */
const logFormat = '$uri $arg_n $at $connection_time $limit_req_status $status'

function limitOf({ name, burst, delay, dryRun }: Zone): string {
  const queue = delay === undefined ? 'nodelay' : delay === 'all' ? '' : `delay=${delay}`
  return `limit_req zone=${name} ${burst === undefined ? '' : `burst=${burst} ${queue}`};
    ${dryRun ? 'limit_req_dry_run on;' : ''}`
}

/**
 * nginx with a location for each zone, which answers 204 (`return` would come before the limit). Over HTTP/2 all requests
 * to a zone can share a connection, though some wait: one order, one clock.
 */
export const limitingNginx = (zones: readonly Zone[], listen: '' | 'http2', key = '$binary_remote_addr') => ({
  logFormat,
  errorLevel: 'info',
  http: zones.map(({ name, rate }) => `limit_req_zone ${key} zone=${name}:64k rate=${rate};`).join('\n'),
  servers: (address: string) => `server {
    listen ${address} ${listen};
    set $at $connection_time;
    limit_req_log_level notice;
    ${zones.map(zone => `location = /${zone.name} { ${limitOf(zone)} limit_req_status ${zone.status}; try_files /none =204; }`).join('\n')}
  }`,
})

export type Verdict = 'PASSED' | 'DELAYED' | 'REJECTED'

/** One request, as nginx saw and decided it. */
export interface Seen {
  readonly n: number
  /** When nginx decided, in its own whole milliseconds. */
  readonly at: number
  /** Milliseconds from the decision to the log line. */
  readonly took: number
  readonly verdict: string
  readonly status: number
  /** In thousandths of a request; known where it was not plainly passed. */
  readonly excess: number | undefined
}

const milliseconds = (seconds = '') => Math.round(Number(seconds) * 1000)

/** The requests to one zone, in the order in which they were sent, and so decided. */
export async function readLogs(nginx: Nginx, zone: string, sentInAll: number): Promise<Seen[]> {
  const rows = (await nginx.accessLog(sentInAll)).map(line => line.split(' '))
  const excesses = await readExcesses(nginx, zone)
  return rows
    .filter(([uri]) => uri === `/${zone}`)
    .map(([, n, at, logged, verdict = '', status]) => ({
      n: Number(n),
      at: milliseconds(at),
      took: milliseconds(logged) - milliseconds(at),
      verdict,
      status: Number(status),
      excess: excesses.get(Number(n)),
    }))
    .sort((a, b) => a.n - b.n)
}

/** What nginx says in its error log of the requests that it delays or rejects. */
async function readExcesses(nginx: Nginx, zone: string): Promise<Map<number, number>> {
  const excesses = new Map<number, number>()
  for (const line of await nginx.errorLog()) {
    const [, whole, thousandths, name, n] =
      /excess: (\d+)\.(\d{3}),? by zone "(\w+)".* "GET \/\w+\?n=(\d+) /.exec(line) ?? []
    if (name === zone) excesses.set(Number(n), Number(whole) * 1000 + Number(thousandths))
  }
  return excesses
}

/** Numbers from 0 to below 1, the same ones for the same seed (Park and Miller's generator). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 0x7fff_ffff
    return state / 0x7fff_ffff
  }
}

/** Sends requests with these gaps (ms) between them over one HTTP/2 connection; none waits for another's answer. */
export async function send(port: number, path: string, gaps: readonly number[]): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  // Its settings, once received, say how many streams there may be.
  await once(session, 'remoteSettings')
  const ends: Promise<unknown>[] = []
  const start = performance.now()
  let due = 0
  for (const [n, gap] of gaps.entries()) {
    due += gap
    const early = start + due - performance.now()
    if (early > 0) await pause(early)
    const stream = session.request({ ':path': `${path}?n=${n}` }).resume()
    // `return 444` resets the stream.
    stream.on('error', () => {})
    ends.push(new Promise(resolve => stream.once('close', resolve)))
  }
  await Promise.all(ends)
  session.destroy()
}
