import { readdirSync, readFileSync } from 'node:fs'
import type { RawClient, RawOptions } from '../../support/raw-client.ts'
import type { ServerKind } from '../../support/servers.ts'

/** A string has a character a byte. */
type Part = string | { repeat: string; times: number } | { pause: number }

/** One line of a corpus file. */
export interface Input {
  readonly name: string
  readonly why: string
  readonly to: readonly ServerKind[]
  /** On the TCP connection, where TLS would be. */
  readonly raw?: boolean
  readonly bytes: string | readonly Part[]
  /** Bytes a packet. */
  readonly each?: number
  /** The client ends its side behind the last byte. */
  readonly fin?: boolean
  /** Responses that arrive; default: of what is hostile none, else one. */
  readonly answers?: number
}

/** What is to be met with silence. */
export interface Hostile extends Input {
  readonly reason: string
  /** `head`: it is decided before the app sees it. `body`: the app may have been called. */
  readonly phase: 'head' | 'body'
  /** What the protocol itself has sent by then. */
  readonly allow?: 'http2-frames' | 'tls-alert' | 'tls-records'
  readonly requestLine?: string
}

/** What is to be answered as if nobody were on guard. */
export interface Legitimate extends Input {
  /** The connection stays open; default: it ends. */
  readonly open?: boolean
}

const folder = new URL('.', import.meta.url)

/** The themes: names of the corpus files without `.jsonl`. */
export const themes: readonly string[] = readdirSync(folder)
  .filter(name => name.endsWith('.jsonl'))
  .map(name => name.slice(0, -'.jsonl'.length))

export function load<T extends Input>(theme: string): readonly T[] {
  const lines = readFileSync(new URL(`${theme}.jsonl`, folder), 'utf8').split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as T)
}

/** The packets of an input, and between them pauses in ms. */
export function packets({ bytes, each }: Input): (Buffer | number)[] {
  const parts = typeof bytes === 'string' ? [bytes] : bytes
  const sent: (string | number)[] = []
  for (const part of parts) {
    if (typeof part === 'object' && 'pause' in part) {
      sent.push(part.pause)
      continue
    }
    const text = typeof part === 'string' ? part : part.repeat.repeat(part.times)
    const last = sent.at(-1)
    if (typeof last === 'string') sent[sent.length - 1] = last + text
    else sent.push(text)
  }
  return sent.flatMap<Buffer | number>(part =>
    typeof part === 'number' ? [part] : slices(Buffer.from(part, 'latin1'), each),
  )
}

function slices(bytes: Buffer, each = bytes.length): Buffer[] {
  const all: Buffer[] = []
  for (let at = 0; at < bytes.length; at += each) all.push(bytes.subarray(at, at + each))
  return all
}

const protocols: Partial<Record<ServerKind, string>> = {
  https: 'http/1.1',
  'http2-h1': 'http/1.1',
  http2: 'h2',
}

/** How a client speaks to a server of this kind, from an address by which its events are found. */
export function clientOptions(
  kind: ServerKind,
  port: number,
  input: Input,
  localAddress: string,
): RawOptions {
  const protocol = protocols[kind]
  if (protocol === undefined || input.raw) return { port, localAddress }
  return { port, localAddress, tls: true, alpn: [protocol] }
}

/** Sends an input; stops where the server has ended the connection. */
export async function send(client: RawClient, input: Input): Promise<void> {
  for (const packet of packets(input)) {
    if (client.end !== 'open') return
    if (typeof packet === 'number') await new Promise(resolve => setTimeout(resolve, packet))
    else client.send(packet)
    // A packet of its own: the next write comes when this one is on its way.
    if (input.each) await new Promise(resolve => setImmediate(resolve))
  }
  if (input.fin) client.finish()
}

/** Opens connections for inputs, `width` at a time, and collects what `run` makes of each. */
export async function inBatches<T, R>(
  inputs: readonly T[],
  width: number,
  run: (input: T, address: string) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const work = async () => {
    while (next < inputs.length) {
      const index = next++
      const address = `127.44.${1 + (index >> 8)}.${index & 255}`
      results[index] = await run(inputs[index] as T, address)
    }
  }
  await Promise.all(Array.from({ length: width }, work))
  return results
}
