import { isThenable, promiseOf } from '../../diagnostics/thenable.ts'
import type { Address } from '../../match/addresses/address.ts'
import type { Request } from '../../request/http-types.ts'
import type { Asked } from './decider.ts'
import { headerKey } from './limit-key.ts'
import type { CompiledLimit } from './limit-options.ts'

type Key = string | Address | undefined
/** A key, or a cost. */
type Gathered = Key | number

/** The key and cost of a request for each limit. A key is undefined if the request has no address. */
export interface KeysAndCosts {
  readonly keys: readonly Key[]
  readonly costs: readonly number[]
}

/**
 * Reads the keys and costs of a request, or promises them. A function that several limits share is called once.
 *
 * @param addressOf the address that the rule counts by
 */
export function keysAndCosts(
  limits: readonly CompiledLimit[],
  req: Request,
  addressOf: (req: Request) => Address | undefined,
): KeysAndCosts | Promise<KeysAndCosts> {
  const keys: (Key | PromiseLike<Key>)[] = []
  const costs: (number | PromiseLike<number>)[] = []
  const parted = (gathered: readonly Gathered[]) => ({
    keys: gathered.slice(0, limits.length) as Key[],
    costs: gathered.slice(limits.length) as number[],
  })
  try {
    for (const limit of limits) {
      const { cost, sameKey, sameCost } = limit
      keys.push(sameKey === undefined ? keyOf(req, limit, addressOf) : keys[sameKey])
      const known = sameCost === undefined ? undefined : costs[sameCost]
      costs.push(known ?? (typeof cost === 'number' ? cost : cost(req)))
    }
    const gathered = [...keys, ...costs]
    if (gathered.some(isThenable)) return Promise.all(gathered.map(promiseOf)).then(parted)
    return parted(gathered as Gathered[])
  } catch (error) {
    // The promises made so far are abandoned, and an unhandled rejection would end the process.
    for (const each of [...keys, ...costs]) promiseOf(each).catch(() => {})
    throw error
  }
}

function keyOf(
  req: Request,
  { key }: CompiledLimit,
  addressOf: (req: Request) => Address | undefined,
): Key | PromiseLike<Key> {
  if (typeof key === 'function') {
    const own = key(req)
    return isThenable(own) ? promiseOf(own).then(checkKey) : checkKey(own)
  }
  const ofHeader = key === 'address' ? undefined : headerKey(req, key.header)
  return ofHeader ?? addressOf(req)
}

/** The questions to the limits. Limits with an empty key, or a cost of 0, are left out. */
export function askedOf({ keys, costs }: KeysAndCosts): Asked[] {
  const asked: Asked[] = []
  for (const [index, key] of keys.entries()) {
    const cost = checkCost(costs[index])
    if (key !== undefined && key !== '' && cost > 0) asked.push({ index, key, cost })
  }
  return asked
}

function checkKey(key: unknown): string {
  if (typeof key !== 'string') throw new TypeError(`rateLimit: key must return a string, not ${typeof key}`)
  return key
}

function checkCost(cost: unknown): number {
  if (Number.isSafeInteger(cost) && (cost as number) >= 0 && (cost as number) <= 1e6) return cost as number
  throw new TypeError('rateLimit: cost must return a whole number from 0 to 1000000')
}
