import { reportError } from '../diagnostics/report-error.ts'
import { isThenable, onRejection } from '../diagnostics/thenable.ts'
import { warned, warnOnce } from '../diagnostics/warnings.ts'
import { type AppSettings, trustSetting, trustsAll } from '../express/trust-setting.ts'
import type { Address } from '../match/addresses/address.ts'
import { compileNow } from '../match/addresses/cidr-compile.ts'
import { addProxy, CidrList } from '../match/addresses/cidr-entry.ts'
import { shared } from '../runtime/copies.ts'

/**
 * Which proxies are trusted, in the syntax of Express's `trust proxy`: `true` (all: anyone can then claim any address),
 * a number of hops, addresses, CIDRs and `loopback`, `linklocal`, `uniquelocal` (an array, or one string with commas), or
 * a function of an address and its hop, which answers at once: a promise is nobody's trust.
 */
export type TrustProxy = boolean | number | string | readonly string[] | Trust

/** Whether the sender at `address`, `hop` steps from us, is a proxy of ours. */
export type Trust = (address: string, hop: number) => boolean

/** They are known by their identity. */
export const { trustAll, trustNobody, trustUnset } = /* @__PURE__ */ shared('trust', () => ({
  trustAll: (() => true) as Trust,
  trustNobody: (() => false) as Trust,
  /** The trust where neither app nor rule says anything of proxies. `false` is another: whoever writes that needs no warning. */
  trustUnset: (() => false) as Trust,
}))

/** Compiles {@link TrustProxy}. Throws a TypeError for an entry that is none. */
export function compileTrust(trust: TrustProxy): Trust {
  if (typeof trust === 'function') return trust
  if (typeof trust === 'boolean') return trust ? trustAll : trustNobody
  if (typeof trust === 'number') return (_address, hop) => hop < trust
  return trustList(typeof trust === 'string' ? trust.split(',').map(entry => entry.trim()) : trust)
}

function trustList(entries: readonly string[]): Trust {
  const list = new CidrList()
  for (const entry of entries) {
    const wrong = addProxy(list, entry)
    if (wrong !== undefined) throw new TypeError(`"${entry}": ${wrong}`)
  }
  const proxies = compileNow(list)
  return address => proxies.has(address)
}

/** The trust that an Express app is set to; undefined where `app` is none. */
export function trustOfApp(app: AppSettings | undefined): Trust | undefined {
  if (typeof app?.get !== 'function') return undefined
  try {
    const trust = trustSetting(app)
    if (typeof trust !== 'function') return undefined
    if (!warned('DROP444_TRUST_ALL') && trustsAll(app)) warnTrustAll()
    return trust as Trust
  } catch (error) {
    reportError('the trust function', error)
    return undefined
  }
}

/** `true` believes whatever stands first in X-Forwarded-For, which is the client's to write. */
export function warnTrustAll(): void {
  warnOnce(
    'DROP444_TRUST_ALL',
    'trust proxy is true: anyone can claim any address. Name your proxies, or their number',
  )
}

/**
 * Whether the peer at the other end of a connection is a trusted proxy. Express asks with the address as the kernel writes
 * it, mapped or not; a function of the user's may know only that one.
 */
export function isTrusted(trust: Trust, peer: Address | undefined, written: string | undefined): boolean {
  const asWritten = written as string
  return (
    believes(trust, asWritten, 0) ||
    (peer !== undefined && peer.text !== asWritten && believes(trust, peer.text, 0))
  )
}

/** What a trust function says at once: a promise would believe everybody, whatever comes of it. */
export function believes(trust: Trust, address: string, hop: number): boolean {
  const answer: unknown = trust(address, hop)
  if (typeof answer === 'boolean') return answer
  if (!isThenable(answer)) return Boolean(answer)
  onRejection(answer, error => reportError('the trust function', error))
  warnOnce(
    'DROP444_TRUST_PROMISE',
    'the trust function returned a promise, so nobody is trusted: it has to answer at once',
  )
  return false
}

let privatePeer: Trust | undefined

/** RFC 6598 too: providers of clouds have their checkers there. */
export function isPrivate(peer: Address): boolean {
  privatePeer ??= trustList(['loopback', 'linklocal', 'uniquelocal', '100.64.0.0/10'])
  return privatePeer(peer.text, 0)
}
