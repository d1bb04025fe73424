import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { Reason } from '../../reasons.ts'
import { sessionOfStream } from '../../request/accepted.ts'
import { isClosing, isEnding, keepStateOnStream } from '../../request/request-state.ts'
import { attachedConnection, type Connection, type StreamRecord } from '../connection.ts'
import { endConnection } from '../end-connection.ts'
import type { GuardedServer } from '../guarded-server.ts'
import type { RunRules } from './run-rules.ts'

export interface StreamPhase {
  session(session: ServerHttp2Session): void
  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]): void
  sessionError(error: Error & { code?: string }, session: ServerHttp2Session): void
  unknownProtocol(socket: Socket): boolean
}

const frameErrors = ['ERR_HTTP2_ERROR', 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES']

function listenersOf(stream: ServerHttp2Stream) {
  return stream.eventNames().flatMap(event => stream.listeners(event).map(listener => ({ event, listener })))
}

/** Keeps a stream for as long as it is open. */
function enter(connection: Connection, stream: ServerHttp2Stream): StreamRecord {
  const bodySince = performance.now()
  connection.enter('request', bodySince)
  const record = { stream, req: undefined, res: undefined, awaitsContinue: false, bodyMark: -1, bodySince }
  connection.streams ??= new Map()
  connection.streams.set(stream, record)
  stream.once('close', () => connection.streams?.delete(stream))
  return record
}

/** The phases that only HTTP/2 has. */
export function makeStreamPhase(guarded: GuardedServer, runRules: RunRules): StreamPhase {
  const { dryRun } = guarded.settings

  /** Whether the app takes streams itself; the compatibility API, if it is used, is one of the listeners. */
  const takesStreams = () =>
    guarded.server.listenerCount('stream') > (guarded.server.listenerCount('request') > 0 ? 1 : 0)

  return {
    session(session) {
      const connection = guarded.connectionOfNewSession(session)
      if (connection) guarded.addSession(connection, session)
      guarded.emit('session', session)
    },

    stream(stream, headers, flags, rawHeaders) {
      const goOn = () => guarded.emit('stream', stream, headers, flags, rawHeaders)
      const session = sessionOfStream(stream)
      const connection = session && attachedConnection(session)
      // A closed stream has already been removed.
      const record = connection && !stream.destroyed ? enter(connection, stream) : undefined
      if (!takesStreams()) {
        goOn()
        return
      }
      const before = listenersOf(stream)
      // The module is loaded where there are streams; an app without HTTP/2 does not pay for it.
      const { Http2ServerRequest, Http2ServerResponse } = process.getBuiltinModule('node:http2')
      const req = new Http2ServerRequest(stream, headers, {}, rawHeaders as never)
      const res = new Http2ServerResponse(stream)
      const ours = listenersOf(stream).filter(
        ({ event, listener }) => !before.some(known => known.event === event && known.listener === listener),
      )
      if (isClosing(req) && !dryRun) return
      if (record) Object.assign(record, { req, res })
      runRules(req, res, () => {
        if (stream.destroyed && !dryRun) return
        keepStateOnStream(req)
        // The stream is the app's again, as it came: an error that nobody listens to is one.
        for (const { event, listener } of ours) stream.off(event, listener as () => void)
        goOn()
      })
    },

    sessionError(error, session) {
      const connection = attachedConnection(session)
      // Other errors mean that the client has gone.
      if (connection && frameErrors.includes(error.code ?? '') && !isEnding(session)) {
        // In a dry run nobody has looked at the first bytes.
        const isNoPreface = dryRun && /client magic/.test(error.message)
        const finding = isNoPreface
          ? { reason: Reason.NOT_HTTP2 }
          : { reason: Reason.HTTP2_ERROR, detail: error.message }
        endConnection(guarded, connection, finding)
      }
      guarded.emit('sessionError', error, session)
    },

    unknownProtocol(socket) {
      const { alpnProtocol } = socket as Socket & { alpnProtocol?: string | false }
      const detail = alpnProtocol || undefined
      const connection = guarded.connectionOf(socket)
      const isEnded = endConnection(guarded, connection, { reason: Reason.UNKNOWN_PROTOCOL, detail })
      return isEnded || guarded.emit('unknownProtocol', socket)
    },
  }
}
