import type { Bucket, Decision } from '../../../lib/stores.ts'

interface Node {
  readonly key: string
  excess: number
  last: number
}

/** `ms` as nginx has it: a clock that jumped back by a minute has started anew, a little is no time at all. */
function elapsed(node: Node, now: number): number {
  const ms = Math.floor(now) - node.last
  if (ms < -60_000) return 1
  return Math.max(0, ms)
}

function excessOf(bucket: Bucket, node: Node, now: number): number {
  const left = node.excess - Math.floor((bucket.rate * elapsed(node, now)) / 1000) + 1000
  return Math.max(0, left)
}

/** The first whole millisecond from now at which the node would pass, by trying. */
function tryLater(bucket: Bucket, node: Node, now: number): number {
  const passes = (ms: number) => excessOf(bucket, node, now + ms) <= bucket.burst
  let high = 1
  while (!passes(high)) high *= 2
  let low = high === 1 ? 0 : high / 2
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (passes(middle)) high = middle
    else low = middle
  }
  return high
}

/**
 * ngx_http_limit_req_lookup and _account over a list, the least recently seen first. `now` is not negative. A zone here is
 * full at `maxKeys`.
 */
export class LimitZone {
  readonly nodes: Node[] = []
  readonly #maxKeys: number

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  /** As it is now, to see what would be. */
  copy(): LimitZone {
    const copy = new LimitZone(this.#maxKeys)
    copy.nodes.push(...this.nodes.map(node => ({ ...node })))
    return copy
  }

  /** nginx's clock never goes back; where this one does, what was counted is of now. */
  heed(now: number, nodes = this.nodes): void {
    for (const node of nodes) {
      if (Math.floor(now) < node.last) node.last = Math.floor(now) - elapsed(node, now)
    }
  }

  hit(key: string, bucket: Bucket, now: number): Decision {
    const at = this.nodes.findIndex(node => node.key === key)
    if (at < 0) {
      this.nodes.push({ key, excess: 0, last: Math.floor(now) })
      if (this.nodes.length > this.#maxKeys) this.nodes.shift()
      return { allowed: true, delay: 0, retryAfter: 0 }
    }
    const [node] = this.nodes.splice(at, 1) as [Node]
    this.nodes.push(node)
    this.heed(now, [node])
    const excess = excessOf(bucket, node, now)
    if (excess > bucket.burst) return { allowed: false, delay: 0, retryAfter: tryLater(bucket, node, now) }
    if (elapsed(node, now) !== 0) node.last = Math.floor(now)
    node.excess = excess
    const late = excess - bucket.delay
    return { allowed: true, delay: late > 0 ? Math.floor((late * 1000) / bucket.rate) : 0, retryAfter: 0 }
  }
}
