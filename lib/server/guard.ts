import type { Server, Socket } from 'node:net'
import { attachConnection } from './connection.ts'
import { GuardedServer, type Protocol, placeholder, type Settings } from './guarded-server.ts'
import { watchRefusedHosts } from './missing-host.ts'
import { type Admission, makeAdmission } from './phases/admission.ts'
import { askAtAccept } from './phases/admit-at-accept.ts'
import { awaitClientHello, awaitPreface } from './phases/first-bytes.ts'
import { makeMalformedPhase } from './phases/malformed.ts'
import { makeRequestPhase } from './phases/requests.ts'
import { makeRunRules, type RunRules } from './phases/run-rules.ts'
import { makeStreamPhase } from './phases/streams.ts'
import { watchTimeouts } from './phases/timeouts/watch-timeouts.ts'
import { endOnTlsError, linkTls } from './phases/tls.ts'
import { makeUpgradePhase } from './phases/upgrades.ts'
import { makeUnjudgedCheck } from './unjudged.ts'

// biome-ignore lint/suspicious/noExplicitAny: each phase knows the arguments of its own event
type Phase = (...args: any[]) => unknown

/** Events that Node emits only where somebody listens; else it answers, or closes, itself. */
const askedFor = ['connect', 'checkContinue', 'checkExpectation'] as const

/**
 * Puts an `emit` of its own on the server. It sees each event before every listener, also those that are added later, and
 * taking it away restores the server.
 *
 * @returns what undoes it
 */
export function guard(server: Server, protocol: Protocol, settings: Settings): () => void {
  const before = Object.getOwnPropertyDescriptor(server, 'emit')
  const { emit } = server as unknown as { emit: (...args: unknown[]) => boolean }
  const guarded = new GuardedServer(server, protocol, settings, (...args) => emit.apply(server, args))
  const admission = makeAdmission(guarded)
  const checkUnjudged = makeUnjudgedCheck(guarded)
  const runRules = makeRunRules(guarded)
  const phases = phasesOf(guarded, runRules, admission, checkUnjudged)
  let isOn = true

  function guardedEmit(event: string | symbol, ...args: unknown[]): boolean {
    const phase = isOn ? phases.get(event) : undefined
    if (!phase) return emit.call(server, event, ...args)
    // For what is asked after `emit`, the answer is that somebody listens.
    return phase(...args) !== false
  }

  Object.defineProperty(server, 'emit', { value: guardedEmit, configurable: true, writable: true })
  for (const event of askedFor) server.on(event, placeholder)
  const restoreHost = settings.dryRun ? watchRefusedHosts(server, runRules) : takeHostHeader(server)
  const stopAsking = admission.refusesAddress && askAtAccept(server, admission.refusesAddress)
  const stopWatching = watchTimeouts(guarded)
  checkUnjudged()

  return () => {
    stopWatching()
    stopAsking?.()
    restoreHost()
    for (const event of askedFor) server.off(event, placeholder)
    isOn = false
    // Somebody has put an `emit` over ours: it goes on through it.
    if (server.emit !== guardedEmit) return
    if (before) Object.defineProperty(server, 'emit', before)
    else Reflect.deleteProperty(server, 'emit')
  }
}

function phasesOf(
  guarded: GuardedServer,
  runRules: RunRules,
  admission: Admission,
  checkUnjudged: () => void,
): ReadonlyMap<string | symbol, Phase> {
  const { protocol } = guarded
  // A server that speaks first does so in a dry run.
  const speaksAtOnce = guarded.settings.dryRun

  function connection(socket: Socket): void {
    if (admission.refuses(socket)) return
    const admitted = guarded.connectionOf(socket)
    if (admission.isOneTooMany(admitted)) return
    const goOn = () => guarded.open(admitted, socket, () => guarded.emit('connection', socket))
    if (protocol === 'http') goOn()
    else if (protocol === 'http2') {
      if (speaksAtOnce) goOn()
      else awaitPreface(guarded, admitted, socket, goOn)
    } else {
      admitted.enter('handshake')
      awaitClientHello(guarded, admitted, socket, goOn)
    }
  }

  function secureConnection(socket: Socket & { alpnProtocol?: string | false }): void {
    linkTls(socket, guarded.connections)
    const admitted = guarded.connectionOf(socket)
    attachConnection(socket, admitted)
    admitted.tls = socket
    admitted.enter('head')
    admitted.bytesAtRest = admitted.tcp.bytesRead
    const goOn = () => guarded.open(admitted, socket, () => guarded.emit('secureConnection', socket))
    if (socket.alpnProtocol === 'h2' && !speaksAtOnce) awaitPreface(guarded, admitted, socket, goOn)
    else goOn()
  }

  return new Map<string | symbol, Phase>(
    Object.entries({
      listening() {
        // Behind protect() a WebSocket server may have been attached.
        checkUnjudged()
        return guarded.emit('listening')
      },
      connection,
      secureConnection,
      clientError: makeMalformedPhase(guarded),
      tlsClientError(error: Error, socket: Socket) {
        linkTls(socket, guarded.connections)
        endOnTlsError(guarded, error, socket)
        return guarded.emit('tlsClientError', error, socket)
      },
      ...makeRequestPhase(guarded, runRules),
      ...makeUpgradePhase(guarded, runRules, checkUnjudged),
      ...makeStreamPhase(guarded, runRules),
    }),
  )
}

/** Has Node pass on requests without Host. Where it knows no such setting (HTTP/2 on Node 20) it does so anyway. */
function takeHostHeader(server: Server & { requireHostHeader?: boolean }): () => void {
  const before = Object.getOwnPropertyDescriptor(server, 'requireHostHeader')
  if (!before) return () => {}
  server.requireHostHeader = false
  return () => Object.defineProperty(server, 'requireHostHeader', before)
}
