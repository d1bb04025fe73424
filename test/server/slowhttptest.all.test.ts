import { withstandAll } from './slowhttptest-attacks.ts'

// The limits are short too, so that connections are ended all the while.
withstandAll({
  seconds: 10,
  perSecond: 1_000,
  limits: { headerTimeout: 3_000, bodyTimeout: 3_000, sendTimeout: 3_000 },
})
