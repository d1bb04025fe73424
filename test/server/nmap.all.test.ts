import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import type { Server, Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { badAgent, noHost, type ProtectOptions, pathAllowlist, protect } from '../../lib/index.ts'
import { type Kind, startSubject } from '../nginx/who-says-what.ts'
import { collectDrops, uncaught } from '../support/events.ts'
import { type ServerKind, start } from '../support/servers.ts'
import { findTool, requireTool } from '../support/tools.ts'

/** What a scan has found, and what it cost the server; nginx keeps its own accounts. */
interface Scan {
  /** Nmap's element of the port. */
  readonly port: string
  readonly cost: Cost
}

interface Cost {
  connections: number
  written: number
  /** Requests that the app was asked. */
  calls: number
}

/** Every version probe, whatever the port. A scan takes some 25 s, in which it mostly waits. */
async function nmap(port: number): Promise<string> {
  const flags = ['-sV', '--version-all', '-Pn', '-n', '--max-retries', '1', '--host-timeout', '120s']
  const args = [...flags, '-oX', '-', '-p', String(port), '127.0.0.1']
  const { stdout } = await promisify(execFile)(findTool('nmap') ?? 'nmap', args, { timeout: 150_000 })
  // After a timeout there would be no port, and nothing that could be named.
  assert.doesNotMatch(stdout, /timedout="true"/)
  const [found] = /<port protocol="tcp".*?<\/port>/s.exec(stdout) ?? []
  assert.match(found ?? stdout, /<state state="open"/)
  return found as string
}

/** Counts what the server writes, TLS records included, on all connections: those too that are ended at once. */
function account(server: Server): Cost {
  const cost = { connections: 0, written: 0, calls: 0 }
  const emit = server.emit as (...args: unknown[]) => boolean
  server.emit = function watchedEmit(event: string, ...args: unknown[]) {
    if (event === 'connection') {
      const socket = args[0] as Socket
      cost.connections++
      socket.once('close', () => {
        cost.written += socket.bytesWritten
      })
    }
    return emit.call(server, event, ...args)
  }
  return cost
}

async function scanOurs(kind: ServerKind, options: ProtectOptions | undefined): Promise<Scan> {
  // Express does not run on HTTP/2.
  const app = kind === 'http2' || kind === 'h2c' ? 'bare' : 'express5'
  const running = await start({ server: kind, app }, [], (_req, res) => {
    cost.calls++
    res.end('fine')
  })
  if (options) protect(running.server, options)
  const cost = account(running.server)
  return { port: await nmap(running.port).finally(() => running.close()), cost }
}

async function scanNginx(kind: Kind): Promise<Scan> {
  const nginx = await startSubject('nginx', kind)
  const port = await nmap(nginx.port).finally(() => nginx.close())
  return { port, cost: { connections: 0, written: 0, calls: 0 } }
}

const serverNames = ['example.com']
const hosts = [noHost({ serverNames })]
const everything = [...hosts, badAgent(), pathAllowlist(['/', '/users/**'])]

const scans = {
  'http, all rules': () => scanOurs('http', { rules: everything }),
  'http, unknown hosts': () => scanOurs('http', { rules: hosts }),
  'https, serverNames': () => scanOurs('https', { rules: hosts, serverNames }),
  'HTTP/2 over TLS, serverNames': () => scanOurs('http2', { rules: hosts, serverNames }),
  h2c: () => scanOurs('h2c', { rules: hosts }),
  'https, any name': () => scanOurs('https', { rules: hosts }),
  'Express on http': () => scanOurs('http', undefined),
  'Express on https': () => scanOurs('https', undefined),
  'nginx on http': () => scanNginx('http'),
  'nginx on https': () => scanNginx('https'),
}

type Name = keyof typeof scans
const silent = Object.keys(scans).slice(0, 5) as Name[]

/** All that Nmap says of a service; without an answer it looks the port up in a table. */
const service = ({ port }: Scan) => /<service\b[^>]*>/.exec(port)?.[0] ?? ''
const isGuess = (text: string) => text === '' || / method="table" conf="3"/.test(text)

describe('nmap -sV --version-all', { skip: requireTool('nmap') || requireTool('nginx') }, () => {
  const drops = collectDrops()
  const found = {} as Record<Name, Scan>

  before(async () => {
    await Promise.all(
      Object.entries(scans).map(async ([name, scan]) => {
        found[name as Name] = await scan()
      }),
    )
  })

  after(() => {
    drops.stop()
    assert.deepEqual(uncaught.splice(0), [])
  })

  for (const name of silent) {
    test(`${name}: no byte to it, no service, no data`, () => {
      const { port, cost } = found[name]
      assert.ok(cost.connections > 50, `${cost.connections} connections`)
      assert.deepEqual(cost, { connections: cost.connections, written: 0, calls: 0 })
      assert.ok(isGuess(service(found[name])), port)
      assert.doesNotMatch(port, /tunnel=|product=|version=|extrainfo=|ostype=|servicefp=|<cpe>|<script/)
    })
  }

  test('https, any name: TLS is seen, nothing behind it', () => {
    const { port, cost } = found['https, any name']
    assert.ok(cost.written > 0)
    assert.equal(cost.calls, 0)
    assert.ok(isGuess(service(found['https, any name'])), port)
    assert.match(port, / tunnel="ssl"/)
    assert.doesNotMatch(port, /product=|version=|extrainfo=|ostype=|servicefp=|<cpe>|<script/)
  })

  test('every drop is told', () => {
    const reasons = new Set(drops.events.map(({ reason }) => reason))
    for (const reason of ['no-host', 'invalid-method', 'tls-on-plain-port', 'not-tls', 'no-server-name'])
      assert.ok(reasons.has(reason), reason)
  })

  for (const name of ['Express on http', 'Express on https'] as const) {
    test(`${name} is named: Node.js`, () => {
      assert.match(service(found[name]), /name="http" product="Node\.js[^>]* method="probed" conf="10"/)
      assert.ok(found[name].cost.written > 0)
    })
  }

  for (const name of ['nginx on http', 'nginx on https'] as const) {
    test(`${name} is named behind its return 444`, () => {
      assert.match(service(found[name]), /name="http" product="nginx" version="\d[^>]* conf="10"/)
    })
  }
})
