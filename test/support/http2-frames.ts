import { RawClient, type RawOptions } from './raw-client.ts'

/** RFC 9113 6. */
const types = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
]

export interface Frame {
  readonly type: string
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Splits what a server sent into frames. */
export function parseFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3)
    const type = bytes[at + 3] as number
    frames.push({
      type: types[type] ?? `type ${type}`,
      flags: bytes[at + 4] as number,
      stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + 9, at + 9 + length),
    })
    at += 9 + length
  }
  return frames
}

export function frame(type: string, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = types.indexOf(type)
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A string literal without Huffman coding (RFC 7541 5.2); under 127 bytes. */
const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')])

/** A header field that goes into no table (RFC 7541 6.2.2). */
const field = (name: string, value: string) =>
  Buffer.concat([Buffer.from([0]), literal(name), literal(value)])

export const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame('SETTINGS', 0, 0, Buffer.alloc(0)),
])

/** HEADERS of a request; `end` also ends the stream. */
export function headers(
  stream: number,
  path: string,
  extra: Record<string, string> = {},
  end = true,
): Buffer {
  const fields = {
    ':method': 'GET',
    ':scheme': 'http',
    ':authority': 'localhost',
    ':path': path,
    'user-agent': 'frames/1',
    ...extra,
  }
  const block = Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => field(name, value))
  return frame('HEADERS', end ? 5 : 4, stream, Buffer.concat(block))
}

export const data = (stream: number, bytes: string) => frame('DATA', 0, stream, Buffer.from(bytes))

/** A connection whose preface and SETTINGS are exchanged. */
export async function openHttp2(options: RawOptions): Promise<RawClient> {
  const client = await RawClient.open({ ...options, alpn: ['h2'] })
  client.send(preface)
  await client.until(() =>
    parseFrames(client.data).some(({ type, flags }) => type === 'SETTINGS' && flags === 1),
  )
  client.send(frame('SETTINGS', 1, 0, Buffer.alloc(0)))
  await new Promise(resolve => setTimeout(resolve, 10))
  return client
}
