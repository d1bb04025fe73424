import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { Server } from 'node:net'
import { type ProtectOptions, protect, type Request, type Response } from '../../lib/index.ts'
import type { Contexts } from './contexts.ts'
import { settle } from './events.ts'
import { get, RawClient, type RawOptions } from './raw-client.ts'
import { buildApp, credentials, listen, type Middleware, type ServerKind } from './servers.ts'
import { closed } from './watch.ts'

export function serverOf(kind: ServerKind, listener: (req: Request, res: Response) => void): Server {
  const { key, cert } = credentials
  if (kind === 'http') return http.createServer(listener as http.RequestListener)
  if (kind === 'https') return https.createServer({ key, cert }, listener as http.RequestListener)
  if (kind === 'h2c') return http2.createServer(listener as never)
  return http2.createSecureServer({ key, cert, allowHTTP1: true }, listener as never)
}

/** Servers that listen in the context `listen`, and what their code found to be its context. */
export class ContextSite {
  readonly #contexts: Contexts
  /** `<place> <context>`. */
  readonly seen: string[] = []

  constructor(contexts: Contexts) {
    this.#contexts = contexts
  }

  /** Notes in whose context a place finds itself. */
  readonly see = (place: string): void => void this.seen.push(`${place} ${this.#contexts.now()}`)

  /** Pages that answer in a context of their own: `/now…` at once, others later. */
  readonly page = (req: Request, res: Response): void => {
    this.see(req.url as string)
    const answer = () => void res.end('x')
    this.#contexts.run(`in ${req.url}`, () => {
      if (req.url?.startsWith('/now')) answer()
      else setTimeout(answer, 5)
    })
  }

  /** Has a server listen, guarded unless it is to be as Node has it; its port. */
  async serve(server: Server, options: ProtectOptions | 'bare' = {}): Promise<number> {
    if (options !== 'bare') protect(server, options)
    return closed(await this.#contexts.run('listen', () => listen(server))).port
  }

  /** Sends bytes over a connection, and waits until so many places were seen. */
  async send(to: RawOptions, bytes: string, count: number): Promise<readonly string[]> {
    const client = await RawClient.open(to)
    client.send(bytes)
    await this.until(count)
    client.destroy()
    return this.seen
  }

  async until(count: number, patience = 20_000): Promise<readonly string[]> {
    const end = performance.now() + patience
    while (this.seen.length < count && performance.now() < end) await settle(2)
    await settle(2)
    return this.seen
  }
}

/** A site, not guarded, where each request has a context of its own before the rules; `ask` asks for pages at once. */
export async function startApart(each: Contexts, rules: (site: ContextSite) => readonly Middleware[]) {
  const site = new ContextSite(each)
  const enter: Middleware = (req, _res, next) => each.run(`of ${req.url}`, next)
  const listener = buildApp('bare', [enter, ...rules(site)], site.page)
  const port = await site.serve(http.createServer(listener), 'bare')
  /** Over a connection each; waits until so many places were seen, and gives all of them, sorted. */
  const ask = async (paths: readonly string[], count: number) => {
    const clients = await Promise.all(paths.map(() => RawClient.open({ port })))
    for (const [i, path] of paths.entries()) clients[i]?.send(get(path))
    await site.until(count)
    for (const client of clients) client.destroy()
    return [...site.seen].sort()
  }
  return { site, ask }
}
