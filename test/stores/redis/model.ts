import { type BucketState, firstRequest, nextRequest } from '../../../lib/counting/leaky-bucket.ts'
import { overrides } from '../../../lib/counting/several-limits.ts'
import type { Decision, Hit } from '../../../lib/stores.ts'

/** States by key and rate, decided on as in nginx: what a zone that never forgets would have. */
export class Model {
  readonly states = new Map<string, BucketState>()

  ask({ key, bucket, cost }: Hit, now: number, counts: boolean): Decision {
    const name = `${bucket.rate} ${key}`
    const known = this.states.get(name)
    const state = { excess: 0, last: 0, ...known }
    const decision = known ? nextRequest(bucket, state, now, cost) : firstRequest(bucket, state, now, cost)
    if (counts && decision.allowed) this.states.set(name, state)
    return decision
  }

  decide(hits: readonly Hit[], now: number): Decision {
    let longest: Decision | undefined
    for (const [limit, hit] of hits.entries()) {
      const decision = this.ask(hit, now, false)
      if (!longest || overrides(decision, longest)) longest = { ...decision, limit }
    }
    if (longest?.allowed) for (const hit of hits) this.ask(hit, now, true)
    return longest as Decision
  }
}
