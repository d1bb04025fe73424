import { get } from '../support/raw-client.ts'

/** A WebSocket's handshake, with the key of RFC 6455 1.3. */
export const handshake = (path: string, headers: Record<string, string> = {}) =>
  get(path, {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  })
