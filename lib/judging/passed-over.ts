import { isThenable, promiseOf } from '../diagnostics/thenable.ts'
import type { Judge } from '../judgement.ts'
import type { CidrSet } from '../match/addresses/cidr-set.ts'
import type { Common } from '../options/common-options.ts'
import { clientAddress, trustOf } from '../request/client-address.ts'
import type { Request } from '../request/http-types.ts'
import { stateOf } from '../request/request-state.ts'
import { inTrial, trialOf } from '../request/trial.ts'

/** Wraps a judge so that clients in `except` pass unjudged. */
export function unlessExcepted(common: Common, except: CidrSet, judge: Judge): Judge {
  return (req, res) => {
    const address = clientAddress(req, trustOf(req, common.trustProxy))
    return address && except.match(address) !== undefined ? undefined : judge(req, res)
  }
}

/** Wraps a judge so that requests for which `skip` returns a truthy value pass unjudged. */
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
