import { fileURLToPath } from 'node:url'
import express from 'express'
import { protect } from '../../lib/index.ts'
import { clientOptions, type Hostile, inBatches, send } from '../server/corpus/load.ts'
import { startNginx } from '../support/nginx.ts'
import { RawClient } from '../support/raw-client.ts'
import { type Handler, start } from '../support/servers.ts'

/** Who is asked: Node with Express, nginx with a catch-all `return 444`, and the first one guarded. */
export const subjects = ['node', 'nginx', 'drop444'] as const
export type Subject = (typeof subjects)[number]

/** HTTP/1.1 to a server of HTTP/2 is left out: it shows what `https` shows. */
export const kinds = ['http', 'https', 'http2', 'h2c'] as const
export type Kind = (typeof kinds)[number]

export interface Server {
  readonly port: number
  close(): Promise<void>
}

/** What was said to a client that had sent an input. */
export interface Answer {
  readonly input: Hostile
  readonly kind: Kind
  /** All that came after the handshake, without the responses to good requests in front. */
  readonly text: string
  /** On the TCP connection, in the same time. */
  readonly wireBytes: number
}

const tlsFile = (name: string) => fileURLToPath(new URL(`../support/tls/${name}.pem`, import.meta.url))
const listens: Record<Kind, string> = { http: '', https: 'ssl', http2: 'ssl http2', h2c: 'http2' }

/** An app with one page; on HTTP/2, where Express does not run, a plain handler. */
function handlerFor(kind: Kind): Handler {
  if (kind === 'http2' || kind === 'h2c') return (_req, res) => res.end('fine')
  const app = express()
  app.all('/', (req, res) => {
    req.on('error', () => {}).on('end', () => res.send('fine'))
    req.resume()
  })
  return app as unknown as Handler
}

export async function startSubject(subject: Subject, kind: Kind): Promise<Server> {
  if (subject === 'nginx') {
    return startNginx({
      http: `ssl_certificate ${tlsFile('cert')}; ssl_certificate_key ${tlsFile('key')};`,
      servers: address =>
        `server { listen ${address} default_server ${listens[kind]}; server_name _; return 444; }`,
    })
  }
  const running = await start({ server: kind, app: 'bare' }, [], handlerFor(kind))
  if (subject === 'drop444') protect(running.server)
  return running
}

/** Takes off the app's responses to good requests in front; a 400 of Node's in place of one stays. */
function withoutPromised(text: string, promised: number): string {
  const responses = text.split(/(?=HTTP\/1\.1 \d{3} )/)
  let from = 0
  while (from < promised && responses[from]?.includes('\r\nX-Powered-By: Express\r\n')) from++
  return responses.slice(from).join('')
}

/** Long enough for an answer; who keeps a connection open without one has not said anything. */
const PATIENCE = 1_000

async function ask(kind: Kind, port: number, input: Hostile, address: string): Promise<Answer> {
  const client = await RawClient.open(clientOptions(kind, port, input, address))
  const before = client.received
  const { answers: promised = 0 } = input
  const said = () => withoutPromised(client.text, promised)
  // A status line may come before the header that has the name.
  const isTold = () => said() !== '' && (!said().startsWith('HTTP/') || said().includes('\r\n\r\n'))
  try {
    await send(client, input)
    await client.until(() => client.end !== 'open' || isTold(), PATIENCE)
    await new Promise(resolve => setImmediate(resolve))
    const wireBytes = promised > 0 ? said().length : client.received - before
    return { input, kind, text: said(), wireBytes }
  } finally {
    client.destroy()
  }
}

/** Sends every input of a theme to every kind of server that it is meant for. */
export async function askAll(
  ports: ReadonlyMap<Kind, number>,
  inputs: readonly Hostile[],
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const [kind, port] of ports) {
    const meant = inputs.filter(({ to }) => to.includes(kind))
    answers.push(...(await inBatches(meant, 50, (input, address) => ask(kind, port, input, address))))
  }
  return answers
}
