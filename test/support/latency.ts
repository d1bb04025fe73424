import { Agent, request } from 'node:http'
import { settle } from './events.ts'

/** What a client saw: how long each answer took, in ms, and what went wrong instead. */
export interface Seen {
  readonly times: number[]
  readonly failures: string[]
}

/** The time that `share` of the answers took at most. */
export function quantile({ times }: Seen, share: number): number {
  const sorted = [...times].sort((a, b) => a - b)
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
}

/** How long one request took until its last byte; fails where it is not answered with 200 and `body`. */
function ask(port: number, agent: Agent | false, body: string): Promise<number> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const req = request({ port, host: '127.0.0.1', agent, timeout: 5_000 }, res => {
      let text = ''
      res.setEncoding('latin1')
      res.on('data', chunk => {
        text += chunk
      })
      res.on('error', reject)
      res.on('end', () => {
        if (res.statusCode === 200 && text === body) resolve(performance.now() - began)
        else reject(new Error(`${res.statusCode} ${text.slice(0, 100)}`))
      })
    })
    req.on('timeout', () => req.destroy(new Error('no answer')))
    req.on('error', reject)
    req.end()
  })
}

/**
 * A visitor who asks each `pause` ms over one connection that is kept, and over a new one as often, until `done`. Requests do
 * not wait for each other: a stall shows in every request that it delays.
 */
export async function visit(
  port: number,
  body: string,
  pause: number,
  done: Promise<unknown>,
): Promise<Seen> {
  const seen: Seen = { times: [], failures: [] }
  const kept = new Agent({ keepAlive: true, maxSockets: 1 })
  const open = new Set<Promise<void>>()
  let isOver = false
  void done.finally(() => {
    isOver = true
  })
  const send = (agent: Agent | false) => {
    const one = ask(port, agent, body).then(
      time => void seen.times.push(time),
      error => void seen.failures.push(String(error)),
    )
    open.add(one)
    void one.then(() => open.delete(one))
  }
  while (!isOver) {
    send(kept)
    send(false)
    await settle(pause)
  }
  await Promise.all(open)
  kept.destroy()
  return seen
}
