import { withstandAll } from './slowhttptest-attacks.ts'

withstandAll({ seconds: 60, perSecond: 200, limits: {} })
