import type { Http2ServerRequest, ServerHttp2Session } from 'node:http2'
import type { Server, Socket } from 'node:net'
import { reportError } from '../diagnostics/report-error.ts'
import { hasSettings } from '../express/trust-setting.ts'
import type { Rule } from '../judgement.ts'
import type { CidrSet } from '../match/addresses/cidr-set.ts'
import type { ServerNames } from '../match/hosts/server-names.ts'
import { keepSession } from '../request/accepted.ts'
import type { FrameworkRequest } from '../request/http-types.ts'
import { newJudgeId } from '../request/judge-once.ts'
import { peerAddressOf } from '../request/peer-address.ts'
import { sessionOf } from '../request/request-state.ts'
import { isTrusted, type Trust, trustOfApp } from '../request/trust.ts'
import { linkSocket, sessionSocket, tcpSocket } from '../runtime/raw-socket.ts'
import type { HandOff } from '../wire/hand-off.ts'
import { attachConnection, attachedConnection, Connection, detachConnection } from './connection.ts'

/** The options of `protect`, checked and compiled; times in ms, 0 for no limit. */
export interface Settings {
  readonly name: string
  readonly dryRun: boolean
  readonly reset: boolean
  readonly except: CidrSet | undefined
  readonly trustProxy: Trust | undefined
  readonly handOff: HandOff | undefined
  readonly rules: readonly Rule[]
  /** False where the option was left out. */
  readonly areRulesGiven: boolean
  readonly serverNames: ServerNames | undefined
  readonly healthCheck: ReadonlySet<string> | undefined
  readonly connectionsPerAddress: number
  readonly handshakeTimeout: number
  readonly headerTimeout: number
  readonly bodyTimeout: number
  readonly sendTimeout: number
}

/** What a guarded server speaks first: `'http'`; `'tls'`, and then one of the others; or `'http2'`. */
export type Protocol = 'http' | 'tls' | 'http2'

type Emit = (event: string | symbol, ...args: unknown[]) => boolean

/** One guarded server: the state that the phases share. */
export class GuardedServer {
  readonly server: Server
  readonly protocol: Protocol
  readonly settings: Settings
  /** The server's own `emit`: hands an event on to the listeners. */
  readonly emit: Emit
  readonly connections = new Set<Connection>()
  /** Marks requests for which `protect` itself has published a dry-run event. */
  readonly judgeId = newJudgeId()
  /** Called with each new connection. */
  onAdmit: () => void = () => {}
  /** The number of listeners when the app was last looked for. */
  #searched = 0
  #app: FrameworkRequest['app']
  #opening: { readonly connection: Connection; readonly socket: Socket } | undefined

  constructor(server: Server, protocol: Protocol, settings: Settings, emit: Emit) {
    this.server = server
    this.protocol = protocol
    this.settings = settings
    this.emit = emit
  }

  /** The option, else the setting of the Express app that listens to the server. */
  get trust(): Trust | undefined {
    return this.settings.trustProxy ?? trustOfApp(this.app)
  }

  /** The Express app that listens to the server. */
  get app(): FrameworkRequest['app'] {
    const count = this.server.listenerCount('request')
    if (count !== this.#searched) {
      this.#searched = count
      this.#app = this.server.listeners('request').find(hasSettings) as never
    }
    return this.#app
  }

  /** The record of a connection, made at accept, or at the first request of a connection older than the guard. */
  connectionOf(socket: Socket): Connection {
    const known = attachedConnection(socket)
    // After `unprotect` and `protect` a connection may still carry the record of the old guard.
    if (known && (known.tcp.destroyed || this.connections.has(known))) return known
    const tcp = tcpSocket(socket) ?? socket
    const peer = peerAddressOf(tcp)
    const isExcepted = peer !== undefined && this.settings.except?.match(peer) !== undefined
    const connection = new Connection(tcp, peer, this.#isProxy(tcp), isExcepted)
    attachConnection(tcp, connection)
    if (tcp !== socket) attachConnection(socket, connection)
    this.connections.add(connection)
    tcp.once('close', () => {
      this.connections.delete(connection)
      connection.close()
    })
    this.onAdmit()
    return connection
  }

  /** Hands a socket to the server, which may make a session of it at once. */
  open(connection: Connection, socket: Socket, hand: () => boolean): boolean {
    const before = this.#opening
    this.#opening = { connection, socket }
    try {
      return hand()
    } finally {
      this.#opening = before
    }
  }

  /** The record of the connection of a new session. */
  connectionOfNewSession(session: ServerHttp2Session): Connection | undefined {
    if (this.#opening) {
      linkSocket(session, this.#opening.socket)
      return this.#opening.connection
    }
    const socket = sessionSocket(session)
    return socket && this.connectionOf(socket)
  }

  /** The record of the connection under an HTTP/2 request; undefined once its session is gone. */
  connectionOfRequest(req: Http2ServerRequest): Connection | undefined {
    const session = sessionOf(req)
    if (!session || session.destroyed) return undefined
    const known = attachedConnection(session)
    if (known) return known
    const socket = sessionSocket(session)
    if (!socket) return undefined
    const connection = this.connectionOf(socket)
    this.addSession(connection, session)
    return connection
  }

  addSession(connection: Connection, session: ServerHttp2Session): void {
    connection.session = session
    attachConnection(session, connection)
    const count = () => {
      connection.controls++
    }
    session.on('ping', count).on('remoteSettings', count)
    session.once('close', () => {
      detachConnection(session)
      session.off('ping', count).off('remoteSettings', count)
      connection.session = undefined
    })
    // Kept on the session, for verdicts that come when the client has gone.
    peerAddressOf(session, connection.tcp)
    keepSession(session)
  }

  /** If the trust function throws, the peer counts as untrusted. */
  #isProxy(tcp: Socket): boolean {
    const { trust } = this
    if (!trust) return false
    try {
      return isTrusted(trust, peerAddressOf(tcp), tcp.remoteAddress)
    } catch (error) {
      reportError('the trust function', error)
      return false
    }
  }

  /** Whether the app listens to an event itself; our placeholders do not count. */
  appListens(event: string): boolean {
    return this.server.listeners(event).some(listener => listener !== placeholder)
  }
}

/** A listener that makes Node emit events it otherwise answers itself. `guardedEmit` decides what happens. */
export function placeholder(): void {}
