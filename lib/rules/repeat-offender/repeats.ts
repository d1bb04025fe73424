import type { Occasion } from '../../counting/occasion.ts'
import type { Address } from '../../match/addresses/address.ts'
import type { Networks } from '../../offenders/networks.ts'
import { RecentTargets } from '../../offenders/recent-targets.ts'
import type { Request } from '../../request/http-types.ts'
import { shared } from '../../runtime/copies.ts'
import type { Once } from './offences.ts'
import { hostOf, targetOf } from './request-maker.ts'

/** How long a browser repeats a request that got no answer, in milliseconds, with a wide margin. */
const CLICK = 10_000

/** How often a browser sends a request that gets no answer (Chromium 7 times, Firefox 10). Other programs may retry as often. */
export const MAX_REPEATS = 10

/** Occasions for the repeats that were not counted before a client proved to be a program. Rules that share offenders count each once. */
const forgiven = /* @__PURE__ */ shared('repeats', () => new WeakMap<Request, readonly Occasion[]>())

/** The repeats before this request that nobody has counted as offences. */
export function forgivenRepeats(req: Request): readonly Occasion[] {
  const known = forgiven.get(req) ?? Array.from({ length: MAX_REPEATS - 1 }, () => ({ countedBy: undefined }))
  forgiven.set(req, known)
  return known
}

/** Counts how often clients ask for the same target. */
export class Repeats {
  readonly #networks: Networks
  readonly #window: number
  #clicks: RecentTargets | undefined
  #visits: RecentTargets | undefined

  /** @param window how long a target that visitors ask for is remembered, in milliseconds */
  constructor(networks: Networks, window: number) {
    this.#networks = networks
    this.#window = window
  }

  /** Counts a request. Returns which one for its target it is, from 1. */
  count(req: Request, address: Address, weight: Once, now: number): number {
    // The host is part of the target, because a scanner tries host names too.
    const target = `${hostOf(req)} ${targetOf(req)}`
    if (weight === 'once-a-click') {
      this.#clicks ??= new RecentTargets(CLICK)
      return this.#clicks.count(`${address.text} ${target}`, now)
    }
    this.#visits ??= new RecentTargets(this.#window)
    return this.#visits.count(`${this.#networks.text(address)} ${target}`, now)
  }
}
