import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import type { Next, Request, Response, Rule } from '../../lib/index.ts'

const pem = (name: string) => readFileSync(new URL(`tls/${name}.pem`, import.meta.url))

/** A key and certificate for localhost and example.com, made for these tests alone. */
export const credentials = { key: pem('key'), cert: pem('cert') }

export type Handler = (req: Request, res: Response) => void

/** Builds a request listener of middlewares with a handler at the end. */
export type AppKind = 'express4' | 'express5' | 'connect' | 'bare'

export type Middleware = (req: Request, res: Response, next: Next) => void

/** What an app does with an error that reached `next`: a 500 that names it. */
function onError(error: unknown, res: Response): void {
  if (res.headersSent) return
  res.statusCode = 500
  res.end(`error: ${(error as Error).message}`)
}

export function buildApp(
  kind: AppKind,
  middlewares: readonly Middleware[],
  handler: Handler,
): http.RequestListener {
  if (kind === 'bare') return bareApp(middlewares, handler) as http.RequestListener
  const app = { express4, express5: express, connect }[kind]() as unknown as {
    use(fn: unknown): void
  } & http.RequestListener
  for (const middleware of middlewares) app.use(middleware)
  app.use((req: Request, res: Response, _next: Next) => handler(req, res))
  app.use((error: unknown, _req: Request, res: Response, _next: Next) => onError(error, res))
  return app
}

function bareApp(middlewares: readonly Middleware[], handler: Handler) {
  return (req: Request, res: Response) => {
    const run = (index: number): void => {
      const middleware = middlewares[index]
      if (!middleware) return handler(req, res)
      middleware(req, res, error => (error === undefined ? run(index + 1) : onError(error, res)))
    }
    run(0)
  }
}

/** `http2-h1` is an HTTP/2 server that a client speaks HTTP/1.1 with. */
export type ServerKind = 'http' | 'https' | 'http2-h1' | 'http2' | 'h2c'

export interface Kind {
  readonly server: ServerKind
  readonly app: AppKind
  readonly tls: boolean
  readonly protocol: 1 | 2
}

/** Every kind of server that the suites run on. Express does not run on HTTP/2. */
export const kinds: readonly Kind[] = [
  ...(['express4', 'express5', 'connect', 'bare'] as const).flatMap(app => [
    { server: 'http' as const, app, tls: false, protocol: 1 as const },
    { server: 'https' as const, app, tls: true, protocol: 1 as const },
  ]),
  ...(['connect', 'bare'] as const).flatMap(app => [
    { server: 'http2-h1' as const, app, tls: true, protocol: 1 as const },
    { server: 'http2' as const, app, tls: true, protocol: 2 as const },
    { server: 'h2c' as const, app, tls: false, protocol: 2 as const },
  ]),
]

export const kindName = ({ server, app }: Kind) => `${app} on ${server}`

function createServer(kind: ServerKind, listener: http.RequestListener): Server {
  if (kind === 'http') return http.createServer(listener)
  if (kind === 'https') return https.createServer(credentials, listener)
  if (kind === 'h2c') return http2.createServer(listener as never)
  return http2.createSecureServer({ ...credentials, allowHTTP1: true }, listener as never)
}

export interface RunningServer {
  readonly port: number
  readonly server: Server
  close(): Promise<void>
}

/** Listens on an ephemeral loopback port (or a path); `close` ends every connection. */
export async function listen(server: Server, where: number | string = 0): Promise<RunningServer> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if (typeof where === 'string') server.listen(where, resolve)
    else server.listen(where, '127.0.0.1', resolve)
  })
  const close = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return { port: (server.address() as AddressInfo)?.port, server, close }
}

/** Starts a server of a kind with these middlewares before a handler. */
export async function start(
  kind: Pick<Kind, 'server' | 'app'>,
  middlewares: readonly (Rule | Middleware)[],
  handler: Handler,
): Promise<RunningServer> {
  return listen(createServer(kind.server, buildApp(kind.app, middlewares, handler)))
}
