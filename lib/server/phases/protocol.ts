import type { IncomingMessage } from 'node:http'
import { stateOf } from '../../request/request-state.ts'
import { packetOf } from '../../runtime/raw-socket.ts'

/*
 * `OPTIONS / RTSP/1.0` is read as HTTP/1.0. Only the packet that it came in still shows it, and only while it is parsed. Node
 * copies the packet for each question, and thousands of requests fit into one: so it is asked once a packet, and each request
 * looks on from the line of the one before.
 */

/** What is known of the packet that is being parsed. */
export interface Packet {
  /** `bytesRead` of the socket, which identifies the packet. */
  at: number | undefined
  /** The packet's text if it names another protocol; else undefined, as there is nothing to look for. */
  text: string | undefined
  /** The place behind the last line that was found. */
  from: number
  /** Requests whose line was not found: it began in an earlier packet, or looks like none. */
  missed: number
}

export const newPacket = (): Packet => ({ at: -1, text: undefined, from: 0, missed: 0 })

/** Each miss is a search to the end. */
const MAX_MISSED = 3

const others = /* @__PURE__ */ Array.from([' RTSP/1.0', ' ICE/1.0'], text => Buffer.from(text))
const requestLine = /^([A-Z_-]+) +(\S+) +((?:HTTP|RTSP|ICE)\/\d\.\d)\r?$/gm
/** Behind a body, which need not end its line. */
const behindBody = /(?<![A-Z_-])([A-Z_-]+) +(\S+) +((?:HTTP|RTSP|ICE)\/\d\.\d)\r?$/gm

function look(packet: Packet, req: IncomingMessage, at: number | undefined): void {
  const bytes = packetOf(req.socket)
  const isForeign = others.some(other => bytes?.includes(other))
  Object.assign(packet, { at, text: isForeign ? bytes?.toString('latin1') : undefined, from: 0, missed: 0 })
  const forget = () => Object.assign(packet, newPacket())
  // A stream in place of a socket may not count what it has read, so that the next packet could not be told from this one.
  if (at === undefined) process.nextTick(forget)
  // Its text goes when it is parsed: not before, and Node runs ticks behind each piece of a body.
  else if (isForeign) setImmediate(forget)
}

/** To be called when a request of HTTP/1.0 comes, not when it has its turn. */
export function noteProtocol(req: IncomingMessage, packet: Packet, at: number | undefined): void {
  if (packet.at !== at) look(packet, req, at)
  const { text } = packet
  if (text === undefined || packet.missed > MAX_MISSED) return
  const protocol = findLine(requestLine, packet, text, req) ?? findLine(behindBody, packet, text, req)
  if (protocol === undefined) packet.missed++
  else if (!protocol.startsWith('HTTP')) stateOf(req).protocol = protocol
}

/** The protocol in a request's own line, the first that has its method and target: a body may quote another. */
function findLine(lines: RegExp, packet: Packet, text: string, { method = '', url = '' }: IncomingMessage) {
  lines.lastIndex = packet.from
  for (let line = lines.exec(text); line; line = lines.exec(text)) {
    const isOwn = lines === behindBody ? line[1]?.endsWith(method) : line[1] === method
    if (!isOwn || line[2] !== url) continue
    packet.from = lines.lastIndex
    return line[3]
  }
  return undefined
}
