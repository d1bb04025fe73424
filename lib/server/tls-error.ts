import type { Socket } from 'node:net'
import { Reason } from '../reasons.ts'
import { marked } from './connection.ts'
import { endConnection } from './end.ts'
import type { Site } from './site.ts'

/**
 * A handshake that failed behind a sound ClientHello: OpenSSL has sent its alert by now. Where the client sent one, or has
 * gone, it was the client that did not want us.
 */
export function tlsError(site: Site, error: Error & { code?: string }, socket: Socket): boolean {
  const connection = marked(socket)
  const { code = '' } = error
  if (connection && code.startsWith('ERR_SSL_') && !/_ALERT_(?!CERTIFICATE_REQUIRED)/.test(code)) {
    endConnection(site, connection, { reason: Reason.TLS_ERROR, detail: code })
  }
  return site.emit('tlsClientError', error, socket)
}
