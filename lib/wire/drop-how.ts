import type { TrustProxy } from '../request/trust.ts'
import type { HandOff } from './hand-off.ts'
import type { Http2Mode } from './http2.ts'

/** How a drop ends the connection: the options that `drop` and every rule share. */
export interface DropHow {
  /**
   * HTTP/2 only: after how many drops of a connection it ends, with GOAWAY, or one of three words: see {@link Http2Mode}.
   * Default 20, with `reset` `'destroy'`.
   */
  http2?: Http2Mode | undefined
  /** RST instead of FIN, under TLS too; not while an earlier, pipelined response is pending. Default false. */
  reset?: boolean | undefined
  /** What a trusted proxy is told; default 444. */
  handOff?: HandOff | undefined
  /** Which proxies are trusted; default: Express's own `trust proxy` where there is an app, else none. */
  trustProxy?: TrustProxy | undefined
}
