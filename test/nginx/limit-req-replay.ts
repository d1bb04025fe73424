import http from 'node:http'
import { MemoryStore, onDrop, type RateLimitOptions, rateLimit } from '../../lib/index.ts'
import type { Bucket, Decision } from '../../lib/stores.ts'
import { buildApp, listen } from '../support/servers.ts'
import type { Verdict, Zone } from './limit-req-traffic.ts'

export const verdictOf = ({ allowed, delay }: Decision): Verdict =>
  allowed ? (delay > 0 ? 'DELAYED' : 'PASSED') : 'REJECTED'

/** Options of the `rateLimit` that is the zone's counterpart. */
export const optionsOf = ({ rate, burst, delay }: Zone): RateLimitOptions => ({ rate, burst, delay })

/** What `rateLimit` decided for one request, with the bucket it had made of its options. */
export interface Judged {
  readonly bucket: Bucket
  readonly decision: Decision
  readonly status: number
}

/**
 * Sends a request for each of these times (ms) to `rateLimit` in Express 5, which is told that it is that time. What it
 * would delay is noted and not waited for.
 */
export async function judgeAt(options: RateLimitOptions, times: readonly number[]): Promise<Judged[]> {
  const memory = new MemoryStore(100)
  const hits: { bucket: Bucket; decision: Decision }[] = []
  const limiter = rateLimit({
    ...options,
    status: 429,
    now: () => times[hits.length] as number,
    store: {
      hit(key, bucket, now) {
        const decision = memory.hit(key, bucket, now)
        hits.push({ bucket, decision })
        return { ...decision, delay: 0 }
      },
    },
  })
  const server = await listen(
    http.createServer(buildApp('express5', [limiter], (_req, res) => res.end('served'))),
  )
  // Rejections that nobody subscribes to make the process warn.
  const unsubscribe = onDrop(() => {})
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const judged: Judged[] = []
  try {
    for (let i = 0; i < times.length; i++) {
      const status = await new Promise<number>((resolve, reject) => {
        const request = http.get({ port: server.port, host: '127.0.0.1', agent }, response => {
          response.resume().once('end', () => resolve(response.statusCode as number))
        })
        request.once('error', reject)
      })
      judged.push({ ...(hits[i] as (typeof hits)[number]), status })
    }
  } finally {
    unsubscribe()
    agent.destroy()
    await server.close()
  }
  return judged
}
