/* Two servers for a proxy to choose from. Argument: what they tell it of an unwanted request. Asked by messages for its counts. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CommonOptions, pathAllowlist, type Rule } from '../../lib/index.ts'

export interface Ports {
  readonly ports: readonly number[]
}

/** Since the start, of both. */
export interface Counts {
  readonly connections: number
  readonly requests: number
}

const told: Record<string, CommonOptions> = {
  close: { handOff: 'close' },
  403: { status: 403 },
  'hand-off': {},
}

const counts = { connections: 0, requests: 0 }

function serverWith(rule: Rule): Server {
  const server = createServer((req, res) => {
    counts.requests++
    rule(req, res, error => void (error ? res.destroy(error as Error) : res.end('fine')))
  })
  // Longer than nginx keeps an idle connection: else Node might close one that nginx is about to use.
  server.keepAliveTimeout = 75_000
  return server.on('connection', () => void counts.connections++)
}

const rule = pathAllowlist(['/users/**'], { trustProxy: 'loopback', ...told[process.argv[2] as string] })
const servers = [serverWith(rule), serverWith(rule)]
for (const server of servers) await once(server.listen(0, '127.0.0.1', 511), 'listening')
process.on('message', () => process.send?.(counts))
process.once('disconnect', () => process.exit())
process.send?.({ ports: servers.map(server => (server.address() as AddressInfo).port) })
