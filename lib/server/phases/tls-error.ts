import type { Socket } from 'node:net'
import { Reason } from '../../reasons.ts'
import { marked } from '../connection.ts'
import { endConnection } from '../end-connection.ts'
import type { Site } from '../guarded-server.ts'

/**
 * An error of TLS, in a handshake that began soundly or behind it: OpenSSL has sent its alert by now. Where the client sent
 * one, or has gone, it was the client that did not want us.
 */
export function tellTlsError(site: Site, { code = '' }: Error & { code?: string }, socket: Socket): void {
  const connection = marked(socket)
  const isAlert = /_ALERT_(?!CERTIFICATE_REQUIRED)/.test(code)
  if (connection && code.startsWith('ERR_SSL_') && !isAlert) {
    endConnection(site, connection, { reason: Reason.TLS_ERROR, detail: code })
  }
}
