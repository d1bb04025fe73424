import type { Socket } from 'node:net'
import { Reason } from '../../reasons.ts'
import type { RequestFacts } from '../../request/request-facts.ts'
import { isPrivate } from '../../request/trust.ts'
import { ignore, tlsSettings } from '../../runtime/raw-socket.ts'
import type { Connection } from '../connection.ts'
import { endConnection } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import { type ClientHello, clientHelloReader, readAlpnList } from './client-hello.ts'
import { readRawHead, unknownRequest } from './raw-head.ts'

/*
 * TLS answers what is no TLS with an alert, HTTP/2 greets before the client has said anything. So the first bytes are read
 * here, and only where they are what they should be put back and left to Node.
 */

/** A number: so many bytes are needed. True: as it should be. */
type Look = (bytes: Buffer) => number | true | Wrong

interface Wrong {
  readonly reason: string
  readonly detail?: string | undefined
  /** What is known of it, where its bytes are no text to be shown. */
  readonly facts?: RequestFacts
}

/** How long a dry run waits for the first bytes, in ms. */
const PATIENCE = 1_000

/** Reads until `look` returns true, then puts the bytes back and goes on. */
function readFirst(
  guarded: GuardedServer,
  connection: Connection,
  socket: Socket,
  look: Look,
  goOn: () => void,
): void {
  const chunks: Buffer[] = []
  let have = 0
  let need = 1

  /** Nearly always one packet, which is not copied. */
  const all = () => (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))

  let stopWaiting = () => {}

  function stop(): void {
    stopWaiting()
    socket.off('data', onData).off('end', onEnd).off('error', ignore)
    socket.pause()
    if (have > 0) socket.unshift(all())
  }

  function refuse({ reason, detail, facts = readRawHead(all()) }: Wrong): void {
    if (endConnection(guarded, connection, { reason, detail }, { facts })) return
    stop()
    goOn()
  }

  function read(chunk: Buffer): void {
    if (connection.ended) return
    chunks.push(chunk)
    have += chunk.length
    if (have < need) return
    // What comes in many packets is put together once for all of those so far.
    if (chunks.length > 1) chunks.splice(0, chunks.length, Buffer.concat(chunks))
    const seen = look(chunks[0] as Buffer)
    if (typeof seen === 'object') return refuse(seen)
    if (seen !== true) {
      need = seen
      return
    }
    stop()
    goOn()
  }

  /** A client that leaves in the middle of its first bytes gets an event; one that sent nothing gets none. */
  function end(): void {
    if (have > 0) {
      const facts = readRawHead(all())
      endConnection(guarded, connection, { reason: Reason.TRUNCATED_REQUEST }, { facts })
    }
    socket.destroy()
  }

  // Node reads a socket outside the context that the server listens in, which its requests are to run in.
  const onData = (chunk: Buffer) => connection.inContext(() => read(chunk))
  const onEnd = () => connection.inContext(end)
  socket.on('data', onData).on('end', onEnd).on('error', ignore)
  if (guarded.settings.dryRun) {
    // Behind it Node counts its own time for the handshake, which a client that says nothing has to meet.
    const giveUp = setTimeout(() => {
      stop()
      goOn()
    }, PATIENCE).unref()
    stopWaiting = () => clearTimeout(giveUp)
    socket.once('close', stopWaiting)
  }
}

const versions: Record<string, number> = {
  TLSv1: 0x0301,
  'TLSv1.1': 0x0302,
  'TLSv1.2': 0x0303,
  'TLSv1.3': 0x0304,
}

/**
 * nginx and HAProxy send no name to the servers behind them unless they are told to, and health checks have none to send: they
 * ask for an address.
 */
function mayLeaveOutName({ settings }: GuardedServer, { isProxy, peer }: Connection): boolean {
  return isProxy || (settings.healthCheck !== undefined && peer !== undefined && isPrivate(peer))
}

/** What OpenSSL would refuse with an alert, or show a certificate for. */
function judgeHello(guarded: GuardedServer, connection: Connection): (hello: ClientHello) => Wrong | true {
  const { serverNames } = guarded.settings
  const { DEFAULT_MIN_VERSION } = process.getBuiltinModule('node:tls')
  const { minVersion = '', protocols: alpn } = tlsSettings(guarded.server, DEFAULT_MIN_VERSION)
  const lowest = versions[minVersion] ?? 0
  const spoken = alpn && readAlpnList(Buffer.from(alpn))

  return ({ serverName, version, protocols }) => {
    const host = serverName?.replace(/\.$/, '')
    const facts = { ...unknownRequest, host }
    if (version < lowest) return { reason: Reason.TLS_VERSION, facts }
    if (serverNames && host === undefined && !mayLeaveOutName(guarded, connection))
      return { reason: Reason.NO_SERVER_NAME, facts }
    if (serverNames && host !== undefined && !serverNames(host))
      return { reason: Reason.UNKNOWN_SERVER_NAME, detail: host, facts }
    if (spoken && protocols && !protocols.some(protocol => spoken.includes(protocol)))
      return { reason: Reason.UNKNOWN_PROTOCOL, detail: protocols.join(', '), facts }
    return true
  }
}

/** A TLS connection goes on with a sound ClientHello for a name that is served. */
export function awaitClientHello(
  guarded: GuardedServer,
  connection: Connection,
  socket: Socket,
  goOn: () => void,
): void {
  const read = clientHelloReader()
  const look = (bytes: Buffer) => {
    const hello = read(bytes)
    if (typeof hello === 'number') return hello
    return typeof hello === 'string' ? { reason: hello } : judgeHello(guarded, connection)(hello)
  }
  readFirst(guarded, connection, socket, look, goOn)
}

/** RFC 9113 3.4. */
const preface = /* @__PURE__ */ Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** An HTTP/2 connection goes on with the client's preface. */
export function awaitPreface(
  guarded: GuardedServer,
  connection: Connection,
  socket: Socket,
  goOn: () => void,
): void {
  readFirst(
    guarded,
    connection,
    socket,
    bytes => {
      const length = Math.min(bytes.length, preface.length)
      if (bytes.compare(preface, 0, length, 0, length) !== 0) return { reason: Reason.NOT_HTTP2 }
      return bytes.length < preface.length ? bytes.length + 1 : true
    },
    goOn,
  )
}
