import http from 'node:http'
import type { Socket } from 'node:net'
import { protect, type Rule, type TrustProxy } from '../../lib/index.ts'
import { type AppKind, buildApp, type Handler, listen, type RunningServer } from '../support/servers.ts'
import { ATTACKER, STRANGER } from './spoofing-settings.ts'

/** Makes rules that are given these options; an empty object where trust is set elsewhere. */
export type MakeRules = (options: { trustProxy?: TrustProxy }) => readonly Rule[]

/** Where trust is set. */
export interface Place {
  readonly name: string
  readonly isExpress: boolean
  listener(trust: TrustProxy | undefined, make: MakeRules, handler: Handler): http.Server
}

function inExpress(kind: 'express4' | 'express5'): Place {
  return {
    name: `${kind}'s "trust proxy"`,
    isExpress: true,
    listener(trust, make, handler) {
      const app = buildApp(kind, make({}), handler)
      if (trust !== undefined) {
        const settable = app as unknown as { set(name: string, value: unknown): void }
        settable.set('trust proxy', trust)
      }
      return http.createServer(app)
    },
  }
}

function inRules(kind: AppKind): Place {
  return {
    name: `the rule's trustProxy on ${kind}`,
    isExpress: false,
    listener: (trust, make, handler) =>
      http.createServer(buildApp(kind, make(trust === undefined ? {} : { trustProxy: trust }), handler)),
  }
}

const inProtect: Place = {
  name: "protect's trustProxy",
  isExpress: false,
  listener: (trust, make, handler) =>
    protect(http.createServer(handler), {
      rules: make({}),
      ...(trust === undefined ? {} : { trustProxy: trust }),
    }),
}

export const places: readonly Place[] = [
  inExpress('express4'),
  inExpress('express5'),
  inRules('connect'),
  inRules('bare'),
  inProtect,
]

/** Tells whoever asks for the peer's address that {@link STRANGER} is {@link ATTACKER}: this machine has no such address. */
function lieOfStranger(server: http.Server): void {
  const emit = server.emit.bind(server) as (name: string, ...args: unknown[]) => boolean
  server.emit = (name: string, ...args: unknown[]) => {
    const [socket] = args as [Socket]
    if (name === 'connection' && socket.remoteAddress === STRANGER)
      Object.defineProperty(socket, 'remoteAddress', { value: ATTACKER })
    return emit(name, ...args)
  }
}

/** Starts a server, at an ephemeral port or a path, on which these rules stand before the handler. */
export function startAt(
  place: Place,
  trust: TrustProxy | undefined,
  make: MakeRules,
  handler: Handler,
  where: number | string = 0,
): Promise<RunningServer> {
  const server = place.listener(trust, make, handler)
  lieOfStranger(server)
  return listen(server, where)
}
