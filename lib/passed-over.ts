import { isThenable, promiseOf } from './callback.ts'
import { clientAddress, trustOf } from './client-address.ts'
import type { Common } from './common-options.ts'
import type { Request } from './http-types.ts'
import type { Judge } from './judgement.ts'
import type { CidrSet } from './match/cidr-set.ts'
import { inTrial, stateOf, trialOf } from './request-state.ts'

/** Judges all but the clients that `except` names. */
export function unlessExcepted(common: Common, except: CidrSet, judge: Judge): Judge {
  return (req, res) => {
    const address = clientAddress(req, trustOf(req, common.trustProxy))
    return address && except.match(address) !== undefined ? undefined : judge(req, res)
  }
}

/** Judges all but what `skip` lets pass. */
export function unlessSkipped(skip: (req: Request) => unknown, judge: Judge): Judge {
  return (req, res) => {
    const skipped = skip(req)
    if (isThenable(skipped)) {
      const state = stateOf(req)
      const trial = trialOf(state)
      return promiseOf(skipped).then(skips =>
        skips ? undefined : inTrial(state, trial, () => judge(req, res)),
      )
    }
    return skipped ? undefined : judge(req, res)
  }
}
