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
 * a function of an address and its hop. The function must be synchronous: a promise counts as false.
 */
export type TrustProxy = boolean | number | string | readonly string[] | Trust

/** Whether `address`, which is `hop` steps from us (0: the TCP peer), is a trusted proxy. */
export type Trust = (address: string, hop: number) => boolean

/** Code compares these functions by identity. */
export const { trustAll, trustNobody, trustUnset } = /* @__PURE__ */ shared('trust', () => ({
  trustAll: (() => true) as Trust,
  trustNobody: (() => false) as Trust,
  /** The default if neither the app nor the rule configures proxies. Not `trustNobody`: an explicit `false` needs no warning. */
  trustUnset: (() => false) as Trust,
}))

/**
 * Compiles {@link TrustProxy}.
 *
 * @throws TypeError for a bad entry
 */
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

/** The trust that an Express app is configured with; undefined if `app` is no Express app. */
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

/** Warns of `true`: it takes the first entry of X-Forwarded-For as the client, and a client can write any entry. */
export function warnTrustAll(): void {
  warnOnce(
    'DROP444_TRUST_ALL',
    'trust proxy is true: anyone can claim any address. Name your proxies, or their number',
  )
}

/**
 * Whether the peer of a connection is a trusted proxy. The address is tried as the kernel writes it first, mapped or not, as Express
 * does: a user's function may know only that form.
 */
export function isTrusted(trust: Trust, peer: Address | undefined, written: string | undefined): boolean {
  const asWritten = written as string
  return (
    believes(trust, asWritten, 0) ||
    (peer !== undefined && peer.text !== asWritten && believes(trust, peer.text, 0))
  )
}

/** Calls a trust function. A promise counts as false: it is truthy, so it would otherwise trust everybody. */
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

/** Whether an address is on loopback or a private network. 100.64.0.0/10 (RFC 6598) counts: cloud health checks come from it. */
export function isPrivate(peer: Address): boolean {
  privatePeer ??= trustList(['loopback', 'linklocal', 'uniquelocal', '100.64.0.0/10'])
  return privatePeer(peer.text, 0)
}
