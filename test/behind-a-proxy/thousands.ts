import assert from 'node:assert/strict'
import http from 'node:http'
import { get, RawClient } from '../support/raw-client.ts'
import { type Answer, ATTACKER, VISITOR } from './setup.ts'
import { echoOf } from './site.ts'

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

export const HOST = { Host: 'example.com', 'User-Agent': 'visitor/1' }

/** How many of each, and how many at a time. */
const COUNT = 1_000
const AT_ONCE = 10

/** A visitor's request, in pieces with pauses between them where there is a body. */
export function ask(
  port: number,
  path: string,
  { agent, body = [], method = body.length > 0 ? 'POST' : 'GET', host = HOST.Host }: AskOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | number> = { ...HOST, Host: host }
    if (body.length > 0) headers['Content-Length'] = Buffer.concat(body).length
    const from = { port, host: '127.0.0.1', localAddress: VISITOR, path, method, headers, timeout: 30_000 }
    const req = http.request({ ...from, agent: agent ?? false })
    req.on('timeout', () => req.destroy(new Error(`${path}: no answer`))).on('error', reject)
    req.on('response', res => {
      let text = ''
      res.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      res.on('error', reject).on('end', () => resolve({ status: res.statusCode ?? 0, body: text }))
    })
    send(req, body).catch(reject)
  })
}

interface AskOptions {
  agent?: http.Agent
  body?: readonly Buffer[]
  method?: string
  host?: string
}

async function send(req: http.ClientRequest, body: readonly Buffer[]): Promise<void> {
  for (const [i, piece] of body.entries()) {
    if (i > 0) await pause(20 + ((i * 37) % 60))
    req.write(piece)
  }
  req.end()
}

/** The i-th visit: a page, or an upload that comes slowly, over a connection of its own or a kept one. */
async function visit(port: number, i: number, agent: http.Agent): Promise<string | undefined> {
  const kept = i % 3 === 0 ? {} : { agent }
  const id = `v${i}`
  const isPost = i % 4 === 1
  const body = Array.from({ length: 3 }, (_, piece) => Buffer.from(`${id}-${piece} `.repeat(1 + (i % 500))))
  const wanted = isPost ? echoOf(id, Buffer.concat(body)) : `user ${id}`
  const answer = await (isPost
    ? ask(port, `/orders/${id}`, { ...kept, body })
    : ask(port, `/users/${id}`, kept)
  ).catch(String)
  if (typeof answer === 'object' && answer.status === 200 && answer.body === wanted) return undefined
  return `${isPost ? 'POST' : 'GET'} ${id}: ${JSON.stringify(answer)}`
}

type Unwanted = (i: number) => readonly string[]

const upload = (path: string, body: string): string[] => {
  const head = get(path, { ...HOST, 'Content-Length': String(body.length * 2) }).replace('GET', 'POST')
  return [head + body, body]
}

/** Requests that README's rules refuse; what comes in two pieces comes with a pause between them. */
const unwanted: Readonly<Record<string, Unwanted>> = {
  'unlisted-path': i => [get(`/wp-content/${i}.php`, HOST)],
  'unknown-host': i => [get('/', { ...HOST, Host: `evil${i}.test` })],
  'ip-host': () => [get('/', { ...HOST, Host: '192.0.2.1' })],
  'bad-agent': () => [get('/', { ...HOST, 'User-Agent': 'sqlmap/1.8' })],
  'empty-agent': () => ['GET / HTTP/1.1\r\nHost: example.com\r\n\r\n'],
  'an upload': i => upload('/xmlrpc.php', `${i} `.repeat(400)),
}
const kinds = Object.values(unwanted)

export interface Attack {
  /** What the client saw. */
  readonly client: RawClient
  readonly bytes: string
}

async function attack(port: number, i: number, patience: number): Promise<Attack> {
  const client = await RawClient.open({ port, localAddress: ATTACKER })
  const pieces = (kinds[i % kinds.length] as Unwanted)(i)
  for (const [n, piece] of pieces.entries()) {
    if (n > 0) await pause(30)
    client.tcp.write(piece)
  }
  await client.ended(patience)
  client.destroy()
  return { client, bytes: pieces.join('') }
}

async function inParallel(work: (i: number) => Promise<void>, count = COUNT): Promise<void> {
  let next = 0
  const run = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, run))
}

export interface Outcome {
  /** Visits that did not get their answer. */
  readonly failed: readonly string[]
  readonly attacks: readonly Attack[]
}

/** A thousand visits beside a thousand unwanted requests. `patience`: how long an unwanted client is watched, in ms. */
export async function thousands(port: number, patience: number): Promise<Outcome> {
  const agent = new http.Agent({ keepAlive: true })
  const failed: string[] = []
  const attacks: Attack[] = []
  await Promise.all([
    inParallel(async i => {
      const wrong = await visit(port, i, agent)
      if (wrong) failed.push(wrong)
    }),
    inParallel(async i => void attacks.push(await attack(port, i, patience))),
  ])
  agent.destroy()
  return { failed, attacks }
}

/** Asserts that each of the unwanted clients got nothing. */
export function assertSilent(attacks: readonly Attack[], end: RawClient['end']): void {
  assert.equal(attacks.length, COUNT)
  const loud = attacks.filter(({ client }) => client.received !== 0 || client.end !== end)
  const said = loud
    .slice(0, 3)
    .map(({ client, bytes }) => [bytes.slice(0, 80), client.end, client.text.slice(0, 200)])
  assert.deepEqual([loud.length, said], [0, []])
}
