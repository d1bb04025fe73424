import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Response } from '../http-types.ts'
import { closeAfterResponses } from './http1.ts'
import { plainBody, respond } from './respond.ts'

/**
 * What a trusted proxy is told instead of a closed connection: 444 or another code, so that the proxy, which holds the
 * client's connection, does the dropping; or `'close'` for a naive close, which makes a proxy mark this server as failed.
 */
export type HandOff = number | 'close'

/** Tells the proxy. The connection to it stays open: other people's requests come over it. */
export function handOff(res: Response, code: number): void {
  // The 444 is for the proxy alone: nothing that other middleware announced belongs on it.
  if (code === 444) for (const name of res.getHeaderNames()) res.removeHeader(name)
  respond(res, code, code === 444 ? '' : plainBody(code))
}

/** The same where there is no request to answer: the connection to the proxy ends, with a response that it understands. */
export function handOffRaw(socket: Socket, code: number): void {
  const body = code === 444 ? '' : plainBody(code)
  const head = `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n`
  socket.write(`${head}\r\n${body}`)
  closeAfterResponses(socket)
}
