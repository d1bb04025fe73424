import { startNginx } from '../../test/support/nginx.ts'
import { launch } from '../servers/launch.ts'
import type { Answers, Heard } from '../servers/proxy-client.ts'
import type { Counts, Ports } from '../servers/proxy-pair.ts'
import { Disagreement } from './agree.ts'

export interface Candidate {
  readonly name: string
  /** What `proxy-pair` calls it; nginx alone has none. */
  readonly told?: string
  /** The status that an unwanted request has to get; 0 is silence. */
  readonly unwanted: number
  /** The statuses that a visitor may get. */
  readonly visitors: readonly number[]
}

export const NGINX = 'nginx alone, return 444'
export const CLOSE = "drop444, handOff: 'close'"
export const FORBIDDEN = 'drop444, status: 403'
export const HAND_OFF = 'drop444, hand-off'

export const candidates: readonly Candidate[] = [
  { name: NGINX, unwanted: 0, visitors: [200] },
  { name: CLOSE, told: 'close', unwanted: 502, visitors: [200, 502] },
  { name: FORBIDDEN, told: '403', unwanted: 403, visitors: [200] },
  { name: HAND_OFF, told: 'hand-off', unwanted: 0, visitors: [200] },
]

export interface Proxied {
  readonly candidate: Candidate
  readonly port: number
  /** What has reached the pair since its start; nothing where there is none. */
  counts(): Promise<Counts>
  close(): Promise<void>
}

// Several thousand lines a second that say of an outage what we count ourselves would cost one candidate alone.
const logs = { errorLevel: 'crit', off: 'access_log off;' }

async function nginxAlone(candidate: Candidate): Promise<Proxied> {
  const { port, close } = await startNginx({
    errorLevel: logs.errorLevel,
    servers: address => `
      server {
        listen ${address}; ${logs.off} default_type text/plain;
        location / { return 444; }
        location /users/ { return 200 fine; }
      }`,
  })
  return { candidate, port, close, counts: async () => ({ connections: 0, requests: 0 }) }
}

async function nginxBefore(candidate: Candidate, told: string): Promise<Proxied> {
  const { ready, ask, close: closePair } = await launch<Ports>('proxy-pair', [told])
  const drops = told === 'hand-off' ? 'proxy_intercept_errors on; error_page 444 = @drop;' : ''
  try {
    const nginx = await startNginx({
      errorLevel: logs.errorLevel,
      http: `upstream pair {
        ${ready.ports.map(port => `server 127.0.0.1:${port};`).join(' ')}
        keepalive 16;
      }`,
      servers: address => `
      server {
        listen ${address}; ${logs.off}
        location / {
          proxy_pass http://pair; proxy_http_version 1.1; proxy_set_header Connection "";
          proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
          ${drops}
        }
        location @drop { return 444; }
      }`,
    })
    const close = async () => {
      await nginx.close()
      await closePair()
    }
    return { candidate, port: nginx.port, close, counts: () => ask<Counts>({}) }
  } catch (error) {
    await closePair()
    throw error
  }
}

/** Starts an nginx of its own for a candidate, and behind it a pair of its own: an outage is nobody else's. */
export const startProxied = (candidate: Candidate): Promise<Proxied> =>
  candidate.told === undefined ? nginxAlone(candidate) : nginxBefore(candidate, candidate.told)

export const sumOf = ({ statuses }: Heard) => Object.values(statuses).reduce((sum, count) => sum + count, 0)
export const harmedOf = ({ visitors }: Answers) => sumOf(visitors) - (visitors.statuses[200] ?? 0)

const listOf = ({ statuses }: Heard) =>
  Object.entries(statuses)
    .map(([status, count]) => `${status === '0' ? 'silence' : status} (${count})`)
    .join(', ')

/**
 * Compares what a round of one candidate brought with what it has to.
 *
 * @param requests how many of them reached the pair
 * @throws Disagreement that says who got what
 */
export function checkRound(candidate: Candidate, answers: Answers, requests: number): void {
  const { name, told, unwanted, visitors } = candidate
  const differs = (text: string) => new Disagreement(`${name}: ${text}`)
  const isOther = (heard: Heard, allowed: readonly number[]) =>
    Object.keys(heard.statuses).some(status => !allowed.includes(Number(status)))
  if (answers.errors.length > 0) throw differs(answers.errors.join(', '))
  if (isOther(answers.unwanted, [unwanted]))
    throw differs(`the unwanted got ${listOf(answers.unwanted)} in place of ${unwanted || 'silence'}`)
  if (unwanted === 0 && answers.unwanted.bytes > 0)
    throw differs(`the unwanted got ${answers.unwanted.bytes} bytes in place of silence`)
  if (isOther(answers.visitors, visitors)) throw differs(`visitors got ${listOf(answers.visitors)}`)
  const sent = sumOf(answers.unwanted) + sumOf(answers.visitors)
  // A retry would be one more, and one that nginx answers by itself one less.
  const expected = told === undefined ? 0 : sent
  if (!visitors.includes(502) && requests !== expected)
    throw differs(`${requests} of ${expected} requests reached Node`)
}
