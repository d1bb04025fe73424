import http from 'node:http'
import { Server as NetServer } from 'node:net'
import { warnOnce } from '../diagnostics/warnings.ts'
import type { Rule } from '../judgement.ts'
import { firstRulesFirst, isOfOtherShape, rulesOf } from '../judging/rule-info.ts'
import { type CommonOptions, commonChecks } from '../options/common-options.ts'
import { OptionsError, refuse, refuseEntry } from '../options/options-error.ts'
import { type Check, integer, list, reading, readOptions } from '../options/read-options.ts'
import { serverNames } from '../options/server-names-option.ts'
import { lastingKey } from '../runtime/copies.ts'
import { guard } from './guard.ts'
import type { Protocol, Settings } from './guarded-server.ts'
import { watchForHealthChecks } from './health-check-hint.ts'

/** Options of {@link protect}. Times are in milliseconds; 0 is no limit. */
export interface ProtectOptions
  extends Pick<CommonOptions, 'name' | 'dryRun' | 'except' | 'trustProxy' | 'handOff' | 'reset'> {
  /**
   * Rules, as factories return them: judged before any framework, on requests, upgrades and CONNECT. Default: none, and a warning if
   * something listens to upgrades or CONNECT. `[]`: none, and no warning.
   */
  rules?: (Iterable<Rule> & object) | undefined
  /** Milliseconds that a TLS handshake may take. Default 10,000; 0 is no limit. */
  handshakeTimeout?: number | undefined
  /** Milliseconds that the head of a request may take, from its first byte or from accept: nginx's `client_header_timeout`. Default 10,000. */
  headerTimeout?: number | undefined
  /** Milliseconds between two reads of a body that the app waits for: nginx's `client_body_timeout`. Default 10,000. */
  bodyTimeout?: number | undefined
  /** Milliseconds in which a client may take nothing of its response: nginx's `send_timeout`. Default 60,000. */
  sendTimeout?: number | undefined
  /** Open connections of one address, of IPv6 one /64: nginx's `limit_conn`. Default: no limit. */
  connectionsPerAddress?: number | undefined
  /**
   * Paths of health checks, as they stand in the request: loopback, private and trusted peers get them past every rule, also
   * without a Host or User-Agent. Default: none.
   */
  healthCheck?: string | (Iterable<string> & object) | undefined
  /** The names for which a TLS handshake is made (SNI), in the forms of `noHost`; a client that sends no name gets none. Default: any. */
  serverNames?: (Iterable<string | RegExp> & object) | undefined
}

const rules: Check<readonly Rule[]> = (value, fail) => firstRulesFirst(list(value, fail).flatMap(rulesIn))

function rulesIn(entry: unknown): readonly Rule[] {
  if (typeof entry !== 'function' || entry.length !== 3)
    refuseEntry('protect', 'rules', entry, 'it is no rule: call the factory, as in badAgent()')
  // Such a rule would know nothing of our dry run, and we nothing of its drops.
  if (isOfOtherShape(entry as Rule))
    refuseEntry(
      'protect',
      'rules',
      entry,
      "another version of drop444 has made it, which this one can't work with",
    )
  return rulesOf(entry as Rule)
}

const isPath = (value: unknown): value is string => typeof value === 'string' && /^\/[!-~]*$/.test(value)

const healthCheck: Check<ReadonlySet<string>> = (value, fail) => {
  const paths = typeof value === 'string' ? [value] : list(value, fail)
  if (paths.length === 0 || !paths.every(isPath)) fail("a path such as '/healthz', or an array of them")
  return new Set(paths as string[])
}

/** The longest that a timer of Node's can wait. */
const time = /* @__PURE__ */ integer(0, 2 ** 31 - 1)

const checks = () => {
  const { name, dryRun, except, trustProxy, handOff, reset } = commonChecks()
  return {
    name,
    dryRun,
    except,
    trustProxy,
    handOff,
    reset,
    rules,
    handshakeTimeout: time,
    headerTimeout: time,
    bodyTimeout: time,
    sendTimeout: time,
    connectionsPerAddress: integer(1, 1e9),
    healthCheck,
    serverNames,
  } satisfies Record<keyof ProtectOptions, Check<unknown>>
}

/** What undoes the guard of a server, whichever copy of this package has put it there. */
const kUndo: unique symbol = /* @__PURE__ */ lastingKey('unprotect') as never

type WithUndo = NetServer & { [kUndo]?: (() => void) | undefined }

/**
 * Guards a server of `http`, `https` or `http2`, before or after `listen`, whatever framework is on it: all that would be
 * answered by Node itself ends in silence and one event, and `rules` are judged before any framework.
 *
 * @returns the server
 *
 * @example
 * protect(app.listen(3000))
 *
 * @throws OptionsError, also where the server is guarded already
 */
export function protect<S extends NetServer>(server: S, options?: ProtectOptions): S {
  const protocol = reading('protect', 'server', server, () => protocolOf(server))
  const checked = readOptions('protect', options, checks())
  if ((server as WithUndo)[kUndo]) {
    throw new OptionsError(
      'DROP444_ALREADY_PROTECTED',
      'protect: this server is protected already: give all options to one call, or unprotect(server) first',
      'server',
      server,
    )
  }
  if (checked.serverNames && protocol !== 'tls') {
    warnOnce(
      'DROP444_NO_TLS',
      'protect: serverNames are names of TLS, which this server does not speak: see noHost()',
    )
  }
  const settings: Settings = {
    ...checked,
    name: checked.name ?? 'protect',
    dryRun: checked.dryRun ?? false,
    reset: checked.reset ?? false,
    rules: checked.rules ?? [],
    areRulesGiven: checked.rules !== undefined,
    handshakeTimeout: checked.handshakeTimeout ?? 10_000,
    headerTimeout: checked.headerTimeout ?? 10_000,
    bodyTimeout: checked.bodyTimeout ?? 10_000,
    sendTimeout: checked.sendTimeout ?? 60_000,
    connectionsPerAddress: checked.connectionsPerAddress ?? 0,
  }
  watchForHealthChecks()
  const undo = guard(server, protocol, settings)
  Object.defineProperty(server, kUndo, { value: undo, configurable: true })
  return server
}

/**
 * Takes the guard off a server, which then is as it was before {@link protect}. Does nothing where there is none.
 *
 * @returns the server
 */
export function unprotect<S extends NetServer>(server: S): S {
  ;(server as WithUndo)[kUndo]?.()
  Reflect.deleteProperty(server, kUndo)
  return server
}

/** What a server speaks first. Servers of `http2` are recognised by a method that only they have: Node exports no class for them. */
function protocolOf(server: unknown): Protocol {
  // Not imported, because it takes long to load and middleware alone does not need it.
  const tls = process.getBuiltinModule('node:tls')
  if (server instanceof tls.Server) {
    if ('requestTimeout' in server || 'updateSettings' in server) return 'tls'
  } else if (server instanceof http.Server) return 'http'
  else if (server instanceof NetServer && 'updateSettings' in server) return 'http2'
  const hint = typeof server === 'function' ? ' (an app is none: protect(app.listen(3000)))' : ''
  return refuse('protect', 'server', server, `a server of http, https or http2${hint}`)
}
