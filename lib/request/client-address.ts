import { warned, warnOnce } from '../diagnostics/warnings.ts'
import { type Address, parseForwardedAddress } from '../match/addresses/address.ts'
import { serverOf } from '../runtime/raw-socket.ts'
import { framework, isHttp2, type Request } from './http-types.ts'
import { peerAddress, peerOfRequest } from './peer-address.ts'
import { stateOf } from './request-state.ts'
import {
  believes,
  isPrivate,
  isTrusted,
  type Trust,
  trustAll,
  trustNobody,
  trustOfApp,
  trustUnset,
} from './trust.ts'

/** The trust for a request: the rule's own, else that of the Express app (or sub-app) that handles it, else the server's, else none. */
export function trustOf(req: Request, own: Trust | undefined): Trust {
  if (own) return own
  return trustOfApp(framework(req).app) ?? stateOf(req).serverTrust ?? trustUnset
}

/** Whether the TCP peer is a trusted proxy. */
export function isTrustedPeer(req: Request, trust: Trust): boolean {
  if (trust === trustNobody || trust === trustUnset) return false
  const peer = peerOfRequest(req)
  return isTrusted(trust, peer?.address, peer?.written)
}

/**
 * The client's address: the first one, counted from us, that is no trusted proxy. Undefined if there is none (a unix-domain socket
 * without trust), if a trusted proxy passed on text that is no address, and after more than {@link MAX_HOPS} trusted entries.
 */
export function clientAddress(req: Request, trust: Trust): Address | undefined {
  const state = stateOf(req)
  if (state.trust === trust) return state.client
  const client = resolveClient(req, trust)
  state.trust = trust
  state.client = client
  return client
}

function resolveClient(req: Request, trust: Trust): Address | undefined {
  const peer = peerAddress(req)
  const forwarded = req.headers['x-forwarded-for'] as string | undefined
  // The field that a trusted proxy appended may be among those that Node left out.
  if (isCutOff(req) && isTrustedPeer(req, trust)) return undefined
  if (forwarded === undefined) return peer
  if (!isTrustedPeer(req, trust)) {
    if (trust !== trustNobody) warnUntrusted(req, peer)
    return peer
  }
  let client = peer
  let end = entryEnd(forwarded, forwarded.length)
  // Every entry is trusted, so the first one is the client.
  if (trust === trustAll) return end > 0 ? parseForwardedAddress(firstEntry(forwarded)) : peer
  for (let hop = 1; end > 0; hop++) {
    if (hop > MAX_HOPS) return undefined
    const comma = forwarded.lastIndexOf(',', end - 1)
    client = parseForwardedAddress(forwarded.slice(comma + 1, end).trim())
    if (!client || !believes(trust, client.text, hop)) break
    end = entryEnd(forwarded, comma)
  }
  return client
}

/** The most trusted entries of X-Forwarded-For that are read. No chain of proxies is that long, but a client can write such a field. */
const MAX_HOPS = 64

const isBetween = (code: number) =>
  code === 0x2c || code === 0x20 || (code >= 9 && code <= 13) || code === 0xa0

/** The index after the last entry that is not empty, looking back from `before`; 0 if there is none. */
function entryEnd(forwarded: string, before: number): number {
  let end = before
  while (end > 0 && isBetween(forwarded.charCodeAt(end - 1))) end--
  return end
}

function firstEntry(forwarded: string): string {
  let start = 0
  while (isBetween(forwarded.charCodeAt(start))) start++
  const comma = forwarded.indexOf(',', start)
  return forwarded.slice(start, comma < 0 ? undefined : comma).trim()
}

/** Header fields that Node keeps if `server.maxHeadersCount` is not set. It silently leaves out the others. */
const MAX_FIELDS = 1_000

/** Whether Node may have left out header fields. On HTTP/2 it never does: it ends a stream that has too many. */
function isCutOff(req: Request): boolean {
  if (isHttp2(req)) return false
  const most = (serverOf(req.socket)?.maxHeadersCount as number | null | undefined) ?? MAX_FIELDS
  // `rawHeaders` has two entries for each field.
  return most > 0 && (req.rawHeaders?.length ?? 0) >= most * 2
}

function warnUntrusted(req: Request, peer: Address | undefined): void {
  if (warned('DROP444_UNTRUSTED_PROXY') || !(peer ? isPrivate(peer) : peerOfRequest(req)?.isUnix)) return
  warnOnce(
    'DROP444_UNTRUSTED_PROXY',
    `${peer?.text ?? 'a unix-domain socket'} sent X-Forwarded-For, but no proxy is trusted: ` +
      'rules see the proxy, not the client. Set trustProxy, or Express\'s "trust proxy"',
  )
}

/** Whether the TCP peer of a request, proxy or client, is on loopback or a private network. */
export function isPrivatePeer(req: Request): boolean {
  const peer = peerAddress(req)
  return peer !== undefined && isPrivate(peer)
}
