import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { Server } from 'node:net'
import { onDrop, protect } from '../../lib/index.ts'
import { credentials, listen } from '../support/servers.ts'

/*
 * A process with two servers of each kind, which differ in `protect` alone. It tells their ports, and then nothing: what it
 * uses of the processor is read from outside.
 */

export type CpuKind = 'http' | 'https' | 'http2' | 'h2c'
export type Ports = Readonly<Record<CpuKind, readonly [bare: number, guarded: number]>>

/** The least that an app can do. */
function app(_req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('Content-Length', 4)
  res.end('fine')
}

const kinds: Record<CpuKind, () => Server> = {
  http: () => http.createServer(app),
  https: () => https.createServer(credentials, app),
  http2: () => http2.createSecureServer({ ...credentials, allowHTTP1: true }, app as never),
  h2c: () => http2.createServer(app as never),
}

async function main(): Promise<void> {
  const portOf = async (server: Server) => (await listen(server)).port
  const ports: Partial<Record<CpuKind, readonly [number, number]>> = {}
  for (const [kind, create] of Object.entries(kinds))
    ports[kind as CpuKind] = [await portOf(create()), await portOf(protect(create()))]
  onDrop(() => {})
  process.on('disconnect', () => process.exit())
  process.send?.(ports)
}

// What a client did to a server without protect.
process.on('uncaughtException', () => {})
void main()
