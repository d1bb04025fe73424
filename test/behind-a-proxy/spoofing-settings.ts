import proxyaddr from 'proxy-addr'
import type { Trust, TrustProxy } from '../../lib/index.ts'
import { referenceAddress } from '../support/reference/addresses.ts'

/** Who takes part: of TEST-NET-3 the attacker; behind a proxy of ours stands another, at the edge. */
export const ATTACKER = '203.0.113.66'
export const PROXY = '127.0.0.1'
export const EDGE = '10.0.0.7'
/** An attacker who connects to Node without a proxy. */
export const DIRECT = '127.0.0.3'
/** The same; Node is told that this peer is {@link ATTACKER}. */
export const STRANGER = '127.0.0.66'
/** An attacker in the network of the proxies. */
export const INSIDER = '10.0.0.66'

/** The attacker, or whoever else is written to the left of the first proxy, is believed. */
export const CLAIMED = 'claimed'

/** How requests reach the server. */
export interface Way {
  readonly name: 'direct' | 'stranger' | 'one proxy' | 'own line' | 'two proxies' | 'insider'
  /** The address that the connection is made from. */
  readonly from: string
  /** Seen from the server: its peer, and whom the proxies wrote down, the nearest first. */
  readonly chain: readonly string[]
  /** Each proxy appends to the client's value, as nginx does; else it writes a header line of its own, as HAProxy does. */
  readonly appends: boolean
  /** How the proxies spell an address; default: plainly. */
  readonly spell?: (address: string) => string
}

export const ways: readonly Way[] = [
  { name: 'direct', from: DIRECT, chain: [DIRECT], appends: true },
  { name: 'stranger', from: STRANGER, chain: [ATTACKER], appends: true },
  { name: 'one proxy', from: PROXY, chain: [PROXY, ATTACKER], appends: true },
  { name: 'own line', from: PROXY, chain: [PROXY, ATTACKER], appends: false },
  { name: 'two proxies', from: PROXY, chain: [PROXY, EDGE, ATTACKER], appends: true },
  { name: 'insider', from: PROXY, chain: [PROXY, INSIDER], appends: true },
]

/** A setting of trust, and whose address is judged on each way. */
export interface Setting {
  readonly name: string
  readonly trust: TrustProxy | undefined
  /** In the order of {@link ways}, of which `one proxy` and `own line` are alike. */
  readonly judged: readonly [
    direct: string,
    stranger: string,
    oneProxy: string,
    twoProxies: string,
    insider: string,
  ]
}

const NAMES = 'loopback, linklocal, uniquelocal'
const CIDRS = ['127.0.0.1/32', '10.0.0.0/8']
const isOurs: Trust = address => address === PROXY || address === EDGE

/** Nobody is told apart behind a proxy. */
const nobody = [DIRECT, ATTACKER, PROXY, PROXY, PROXY] as const

export const settings: readonly Setting[] = [
  { name: 'unset', trust: undefined, judged: nobody },
  { name: 'false', trust: false, judged: nobody },
  { name: '0', trust: 0, judged: nobody },
  { name: '1', trust: 1, judged: [CLAIMED, CLAIMED, ATTACKER, EDGE, INSIDER] },
  { name: '2', trust: 2, judged: [CLAIMED, CLAIMED, CLAIMED, ATTACKER, CLAIMED] },
  { name: "'127.0.0.1'", trust: PROXY, judged: [DIRECT, ATTACKER, ATTACKER, EDGE, INSIDER] },
  { name: "'loopback'", trust: 'loopback', judged: [CLAIMED, ATTACKER, ATTACKER, EDGE, INSIDER] },
  { name: `'${NAMES}'`, trust: NAMES, judged: [CLAIMED, ATTACKER, ATTACKER, ATTACKER, CLAIMED] },
  { name: JSON.stringify(CIDRS), trust: CIDRS, judged: [DIRECT, ATTACKER, ATTACKER, ATTACKER, CLAIMED] },
  { name: 'a function', trust: isOurs, judged: [DIRECT, ATTACKER, ATTACKER, ATTACKER, INSIDER] },
  { name: 'a function: true', trust: () => true, judged: [CLAIMED, CLAIMED, CLAIMED, CLAIMED, CLAIMED] },
  { name: 'true', trust: true, judged: [CLAIMED, CLAIMED, CLAIMED, CLAIMED, CLAIMED] },
]

/** Whose address is judged: {@link CLAIMED}, or an address that no header can change. */
export function judgedOn(way: Way, { judged }: Setting): string {
  const [direct, stranger, oneProxy, twoProxies, insider] = judged
  return {
    direct,
    stranger,
    'one proxy': oneProxy,
    'own line': oneProxy,
    'two proxies': twoProxies,
    insider,
  }[way.name]
}

/** What Express makes of a setting (`compileTrust` of its utils). */
export function expressTrust(trust: TrustProxy | undefined): Trust {
  if (typeof trust === 'function') return trust
  if (trust === true) return () => true
  if (typeof trust === 'number') return (_address, hop) => hop < trust
  const list = typeof trust === 'string' ? trust.split(',').map(entry => entry.trim()) : trust || []
  return proxyaddr.compile([...list])
}

/** Express's walk over the addresses, the nearest first; the walk ends at what is no address. */
export function walk(chain: readonly (string | undefined)[], { trust }: Pick<Setting, 'trust'>) {
  const trusts = expressTrust(trust)
  let hop = 0
  while (hop + 1 < chain.length) {
    const address = chain[hop]
    if (address === undefined || !trusts(address, hop)) break
    hop++
  }
  return chain[hop]
}

/** Of `lib/request/client-address.ts`. */
const MOST_HOPS = 64

/** Whom we may judge where Express's walk finds somebody else among the claims. */
export function believedOtherwise(
  { trust }: Pick<Setting, 'trust'>,
  claims: readonly (string | undefined)[],
) {
  const others: (string | undefined)[] = []
  // Nobody is looked for behind so many trusted addresses; where all are trusted, the first is the client.
  if (claims.length >= MOST_HOPS) others.push(undefined)
  // With `true` nothing between the first and the last is read, as in Express.
  if (trust === true) others.push(claims.at(-1))
  return others
}

/** The canonical form of an address that Express has read. */
export const canonicalText = (text: string | undefined) =>
  text === undefined ? undefined : referenceAddress(text)?.text
