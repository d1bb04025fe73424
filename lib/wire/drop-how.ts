import type { TrustProxy } from '../request/trust.ts'
import type { HandOff } from './hand-off.ts'
import type { Http2Mode } from './http2.ts'

/** How a drop ends the connection: the options that `drop` and every rule share. */
export interface DropHow {
  /**
   * HTTP/2 only: the number of drops after which a connection ends with GOAWAY, or one of three words, see {@link Http2Mode}.
   * Default 20; with `reset` `'destroy'`.
   */
  http2?: Http2Mode | undefined
  /** Sends RST instead of FIN, under TLS too, unless an earlier, pipelined response is pending. Default false. */
  reset?: boolean | undefined
  /** The code that a trusted proxy gets, or `'close'`: see {@link HandOff}. Default 444. */
  handOff?: HandOff | undefined
  /** The proxies that are trusted. Default: Express's own `trust proxy` if there is an app, else none. */
  trustProxy?: TrustProxy | undefined
}
