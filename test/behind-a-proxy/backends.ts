import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { protect } from '../../lib/index.ts'
import { listen, type RunningServer } from '../support/servers.ts'
import { createHttp2Site, createSite, type SiteOptions } from './site.ts'

export interface BackendOptions extends SiteOptions {
  /** Over unix-domain sockets. */
  unix?: boolean
  /** Over HTTP/2 without TLS. */
  h2c?: boolean
}

export interface Backends {
  readonly names: readonly string[]
  /** As the configuration of a proxy wants them. */
  readonly addresses: readonly [string, string]
  /** Connections that the proxy has opened, and how many of them have ended. */
  readonly connections: { opened: number; ended: number }
  close(): Promise<void>
}

function createServer(name: string, options: BackendOptions) {
  const { h2c, trustProxy = '127.0.0.1/32', handOff } = options
  if (h2c) {
    const server = http2.createServer(createHttp2Site(name, options))
    return protect(server, { trustProxy, ...(handOff === undefined ? {} : { handOff }) })
  }
  const server = http.createServer(createSite(name, options))
  return protect(server, handOff === undefined ? {} : { handOff })
}

/** Two servers with the same site. */
export async function startBackends(options: BackendOptions = {}): Promise<Backends> {
  const names = ['first', 'second']
  const directory = options.unix ? await mkdtemp(join(tmpdir(), 'drop444-unix-')) : undefined
  const running: RunningServer[] = []
  const addresses: string[] = []
  const connections = { opened: 0, ended: 0 }
  for (const name of names) {
    const server = createServer(name, options)
    server.on('connection', socket => {
      connections.opened++
      socket.once('close', () => connections.ended++)
    })
    const path = directory && join(directory, name)
    const one = await listen(server, path ?? 0)
    running.push(one)
    addresses.push(path ? `unix:${path}` : `127.0.0.1:${one.port}`)
  }
  return {
    names,
    addresses: addresses as [string, string],
    connections,
    async close() {
      for (const one of running) await one.close()
      if (directory) await rm(directory, { recursive: true })
    },
  }
}
