import { MemoryStore as PeerStore } from 'express-rate-limit'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { formatWord4, parseAddress } from '../../lib/match/addresses/address.ts'
import { MemoryStore } from '../../lib/stores/memory-store.ts'
import type { Candidate } from '../support/candidate.ts'

export const byWords = 'drop444, address words'
export const byString = 'drop444, string key'
export const peerStore = 'express-rate-limit MemoryStore'
export const flexible = 'rate-limiter-flexible'

const HOUR = 3600

/** An IPv4 address for each number, all different, neighbours far apart. */
export const keyOf = (i: number) => formatWord4(Math.imul(i + 1, 2654435761) >>> 0)

/** A limit that nobody reaches. */
const NO_LIMIT = 1e8

const makers: Record<string, (maxKeys: number, keys: readonly string[], limit: number) => Candidate> = {
  [byWords](maxKeys, keys, limit) {
    const store = new MemoryStore(maxKeys)
    const words = Uint32Array.from(keys, key => parseAddress(key)?.words[0] as number)
    const bucket = bucketOf(limit)
    return {
      name: byWords,
      decide: { index: i => store.hitWords(1, words[i] as number, bucket, performance.now()).allowed },
    }
  },
  [byString](maxKeys, _, limit) {
    const store = new MemoryStore(maxKeys)
    const bucket = bucketOf(limit)
    return { name: byString, decide: { text: key => store.hit(key, bucket, performance.now()).allowed } }
  },
  [peerStore](_maxKeys, _keys, limit) {
    const store = newPeerStore()
    const verdict = (client: unknown) => (client as { totalHits: number }).totalHits <= limit
    return { name: peerStore, awaited: true, decide: { text: key => store.increment(key) }, verdict }
  },
  [flexible](_maxKeys, _keys, limit) {
    const store = new RateLimiterMemory({ points: limit, duration: HOUR })
    const [passes, fails] = [() => true, () => false]
    const decide = (key: string) => store.consume(key).then(passes, fails)
    return { name: flexible, awaited: true, decide: { text: decide } }
  },
}

/** Of nginx's leaky bucket, with a rate so low that nothing drains while it is asked. */
const bucketOf = (limit: number) => ({ rate: 1, burst: (limit - 1) * 1000, delay: Number.POSITIVE_INFINITY })

export const limiterNames = Object.keys(makers)

/** A limiter with a store of its own; all let `limit` requests of a key pass and no more. `keys`: what is asked for by number. */
export function limiterOf(
  name: string,
  maxKeys: number,
  keys: readonly string[] = [],
  limit = NO_LIMIT,
): Candidate {
  const make = makers[name]
  if (!make) throw new Error(`no limiter ${name}`)
  return make(maxKeys, keys, limit)
}

function newPeerStore(): PeerStore {
  const store = new PeerStore()
  store.init({ windowMs: HOUR * 1000 } as Parameters<PeerStore['init']>[0])
  return store
}

/** Without waiting for its promise: what is left is its own work. */
export function peerUnawaited(): Candidate {
  const store = newPeerStore()
  return {
    name: `${peerStore}, not awaited`,
    decide: { text: key => store.increment(key) },
    exempt: 'answers with a promise',
  }
}
