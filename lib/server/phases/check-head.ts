import { METHODS } from 'node:http'
import { parseHost } from '../../match/hosts/host.ts'
import type { Finding } from '../../reasons.ts'
import { Reason } from '../../reasons.ts'
import { isHttp2, type Request } from '../../request/http-types.ts'
import { hostOf } from '../../request/request-host.ts'
import { stateOf } from '../../request/request-state.ts'
import type { GuardedServer } from '../guarded-server.ts'
import { judgesMissingHost } from '../missing-host.ts'

const methods = /* @__PURE__ */ new Set(METHODS)

function checkRequestLine(method: string, url: string): Finding | undefined {
  // llhttp knows the methods of RTSP too.
  if (!methods.has(method)) return { reason: Reason.INVALID_METHOD, detail: method }
  // RFC 9112 3.2.4: the server itself is asked, which has nothing to say.
  return url === '*' ? { reason: Reason.ASTERISK_TARGET } : undefined
}

/** What is wrong with a request of RTSP or ICE, as of one that Node's parser takes for HTTP/1.0. */
export const checkForeignProtocol = (method: string, url: string, protocol: string): Finding =>
  checkRequestLine(method, url) ?? { reason: Reason.INVALID_VERSION, detail: protocol }

/** What Node's parser lets pass and no app can mean. */
export function checkHead(req: Request): Finding | undefined {
  const { method = '', url = '', httpVersion, headers } = req
  const line = checkRequestLine(method, url)
  if (line) return line
  if (isHttp2(req)) return undefined
  if (httpVersion === '1.0') {
    const protocol = stateOf(req).protocol
    if (protocol) return { reason: Reason.INVALID_VERSION, detail: protocol }
  } else if (httpVersion !== '1.1') return { reason: Reason.INVALID_VERSION, detail: httpVersion }
  // RFC 9112 6.1: of the codings Node decodes only this one; in HTTP/1.0 any is a sign of smuggling.
  const coding = headers['transfer-encoding']
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0'))
    return { reason: Reason.INVALID_TRANSFER_ENCODING, detail: coding }
  return undefined
}

/** RFC 9112 3.2: what a server must refuse, and Node refuses in part. A rule of the app's that judges it goes first. */
export function checkHost(req: Request, guarded: GuardedServer): Finding | undefined {
  const host = hostOf(req)
  if (!('reason' in host) || host.reason === Reason.EMPTY_HOST) return undefined
  // No name that is registered begins so, but below a wildcard there may be one: that is for `noHost`.
  if (host.reason === Reason.INVALID_HOST && parseHost((host.detail ?? '').replace(/^-+/, 'a')))
    return undefined
  if (host.reason !== Reason.NO_HOST) return host
  if (req.httpVersion === '1.0' || judgesMissingHost(guarded.server, guarded.settings.rules)) return undefined
  return host
}
