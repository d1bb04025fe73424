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

/** The i-th visit: a page, or an upload that comes slowly; what came instead of the right answer. */
export type Visit = (port: number, i: number, agent: http.Agent | undefined) => Promise<string | undefined>

/** Of the site of {@link startReadme}. */
const visitReadme: Visit = async (port, i, agent) => {
  const kept = agent ? { agent } : {}
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

type Fields = Record<string, string>
type Unwanted = (i: number, fields: Fields) => readonly string[]

const upload = (path: string, body: string, fields: Fields): string[] => {
  const head = get(path, { ...fields, 'Content-Length': String(body.length * 2) }).replace('GET', 'POST')
  return [head + body, body]
}

/** Requests that README's rules refuse; what comes in two pieces comes with a pause between them. */
const unwanted: Readonly<Record<string, Unwanted>> = {
  'a path of nobody': (i, fields) => [get(`/wp-content/${i}.php`, fields)],
  'another host': (i, fields) => [get('/', { ...fields, Host: `evil${i}.test` })],
  'an address as host': (_i, fields) => [get('/', { ...fields, Host: '192.0.2.1' })],
  'a scanner': (_i, fields) => [get('/', { ...fields, 'User-Agent': 'sqlmap/1.8' })],
  'no agent': (_i, { Host }) => [`GET / HTTP/1.1\r\nHost: ${Host}\r\n\r\n`],
  'an upload': (i, fields) => upload('/xmlrpc.php', `${i} `.repeat(400), fields),
}
const kinds = Object.values(unwanted)

export interface Attack {
  /** What the client saw. */
  readonly client: RawClient
  readonly bytes: string
}

async function attack(port: number, i: number, { host, patience, isOver }: Load): Promise<Attack> {
  const client = await RawClient.open({ port, localAddress: ATTACKER })
  const pieces = (kinds[i % kinds.length] as Unwanted)(i, { ...HOST, Host: host })
  for (const [n, piece] of pieces.entries()) {
    if (n > 0) await pause(30)
    client.tcp.write(piece)
  }
  await client.until(() => client.end !== 'open' || isOver(client.text), patience)
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

interface Load {
  /** The site's name. */
  readonly host: string
  readonly visit: Visit
  /** How long an unwanted client is watched, in ms. */
  readonly patience: number
  /** Whether it has got all that it gets. */
  isOver(text: string): boolean
}

/** A thousand visits, every third over a connection of its own, beside a thousand unwanted requests. */
export async function thousands(port: number, load: Partial<Load> = {}): Promise<Outcome> {
  const whole = { host: HOST.Host, visit: visitReadme, patience: 5_000, isOver: () => false, ...load }
  const agent = new http.Agent({ keepAlive: true })
  const failed: string[] = []
  const attacks: Attack[] = []
  await Promise.all([
    inParallel(async i => {
      const wrong = await whole.visit(port, i, i % 3 === 0 ? undefined : agent)
      if (wrong) failed.push(wrong)
    }),
    inParallel(async i => void attacks.push(await attack(port, i, whole))),
  ])
  agent.destroy()
  return { failed, attacks }
}

/** Asserts that all visitors got their answers. */
export function assertServed(failed: readonly string[]): void {
  assert.deepEqual([failed.length, failed.slice(0, 5)], [0, []])
}

const excerpt = ({ client, bytes }: Attack) => [bytes.slice(0, 80), client.end, client.text.slice(0, 200)]

/** Asserts that each of the unwanted clients got nothing. */
export function assertSilent(attacks: readonly Attack[], ...ends: RawClient['end'][]): void {
  assert.equal(attacks.length, COUNT)
  const loud = attacks.filter(({ client }) => client.received !== 0 || !ends.includes(client.end))
  assert.deepEqual([loud.length, loud.slice(0, 3).map(excerpt)], [0, []])
}

/** Asserts that each of them got what Express says of a page that is not there. */
export function assertNotFound(attacks: readonly Attack[]): void {
  assert.equal(attacks.length, COUNT)
  const other = attacks.filter(({ client, bytes }) => {
    const [, method, path] = /^(\S+) (\S+) /.exec(bytes) ?? []
    const [head = '', body = ''] = client.text.split('\r\n\r\n')
    return !head.startsWith('HTTP/1.1 404 ') || !body.includes(`Cannot ${method} ${path}</pre>`)
  })
  assert.deepEqual([other.length, other.slice(0, 3).map(excerpt)], [0, []])
}
