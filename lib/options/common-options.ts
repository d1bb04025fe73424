import { isAsyncFunction } from 'node:util/types'
import { warnOnce } from '../diagnostics/warnings.ts'
import type { CidrSet } from '../match/addresses/cidr-set.ts'
import type { Request, Response } from '../request/http-types.ts'
import { compileTrust, type Trust, type TrustProxy, warnTrustAll } from '../request/trust.ts'
import type { DropHow } from '../wire/drop-how.ts'
import type { HandOff } from '../wire/hand-off.ts'
import type { Http2Mode } from '../wire/http2.ts'
import type { Handler } from '../wire/respond.ts'
import { addresses } from './address-list.ts'
import { boolean, type Check, fn, integer, oneOf, text } from './read-options.ts'

/** The options that every factory takes. */
export interface CommonOptions extends DropHow {
  /** The rule's name in logs and events; default: the factory's name. */
  name?: string | undefined
  /** 444 (default) drops. Another status, 400 to 599, is sent as an answer, which suits mistakes that people make. */
  status?: number | undefined
  /** Writes the answer when `status` is not 444; default: a plain body. An error it throws goes to `next`. */
  handler?: { write(req: Request, res: Response): unknown }['write'] | undefined
  /** Judges and logs, but never acts. Default false. */
  dryRun?: boolean | undefined
  /** A truthy result (or a promise of one) lets the request pass unjudged. An error it throws goes to `next`. */
  skip?: { skip(req: Request): unknown }['skip'] | undefined
  /** Client addresses that pass unjudged: addresses, CIDRs, ranges, `loopback`, `linklocal`, `uniquelocal`, or a set of them. */
  except?: (Iterable<string> & object) | CidrSet | undefined
}

/** {@link CommonOptions}, checked and compiled. */
export interface Common {
  name: string
  status: number
  handler: Handler | undefined
  dryRun: boolean
  skip: ((req: Request) => unknown) | undefined
  except: CidrSet | undefined
  trustProxy: Trust | undefined
  handOff: HandOff | undefined
  http2: Http2Mode | undefined
  reset: boolean
}

const status: Check<number> = (value, fail) => {
  const isCode = Number.isInteger(value) && (value as number) >= 400 && (value as number) <= 599
  return isCode ? (value as number) : fail('444 (drop) or a status code from 400 to 599')
}

const trustProxy: Check<Trust> = (value, fail) => {
  if (value === true) warnTrustAll()
  if (typeof value === 'number' && (!Number.isInteger(value) || value < 0))
    fail('a number of hops, 0 or more')
  if (isAsyncFunction(value)) fail('a function that answers at once: a promise would believe everybody')
  const known = ['boolean', 'number', 'string', 'function'].includes(typeof value) || Array.isArray(value)
  const entries = Array.isArray(value) ? value : []
  if (!known || entries.some(entry => typeof entry !== 'string'))
    fail('what Express\'s "trust proxy" takes: a boolean, number, string, array or function')
  try {
    return compileTrust(value as TrustProxy)
  } catch (error) {
    return fail(`a list of addresses and CIDRs (${(error as Error).message})`)
  }
}

const handOff: Check<HandOff> = (value, fail) => {
  if (value !== 'close') return integer(200, 599)(value, () => fail("a status code or 'close'"))
  warnOnce(
    'DROP444_HANDOFF_CLOSE',
    "handOff: 'close' lets one bad request mark this server as failed at the proxy: an outage for every visitor",
  )
  return value
}

const http2: Check<Http2Mode> = (value, fail) => {
  const refuse = () => fail("a number of drops, from 1 on, or 'goaway', 'destroy' or 'stream'")
  return typeof value === 'number'
    ? integer(1, 1e9)(value, refuse)
    : oneOf('goaway', 'destroy', 'stream')(value, refuse)
}

/** The checks of the common options; a factory adds its own. */
export const commonChecks = () =>
  ({
    name: ((value, fail) =>
      /^(?=.*\w)[\w.:/ -]{1,64}$/.test(text(value, fail))
        ? (value as string)
        : fail('1 to 64 plain characters, a letter or digit among them')) as Check<string>,
    status,
    handler: fn<Handler>(),
    dryRun: boolean,
    skip: fn<(req: Request) => unknown>(),
    except: addresses('except'),
    trustProxy,
    handOff,
    http2,
    reset: boolean,
  }) satisfies Record<keyof CommonOptions, Check<unknown>>

type CommonChecks = ReturnType<typeof commonChecks>

/**
 * Fills in the defaults.
 *
 * @param defaults the factory's own, in place of the general ones
 */
export function commonOf(
  checked: { [K in keyof CommonChecks]: ReturnType<CommonChecks[K]> | undefined },
  defaults: { name: string; http2?: Http2Mode },
): Common {
  return {
    name: checked.name ?? defaults.name,
    status: checked.status ?? 444,
    handler: checked.handler,
    dryRun: checked.dryRun ?? false,
    skip: checked.skip,
    except: checked.except,
    trustProxy: checked.trustProxy,
    handOff: checked.handOff,
    http2: checked.http2 ?? defaults.http2,
    reset: checked.reset ?? false,
  }
}
