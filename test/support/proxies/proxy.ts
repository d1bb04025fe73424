import { readFileSync } from 'node:fs'
import type { Program } from '../program.ts'
import type { End } from '../raw-client.ts'

/** A piece of an example configuration, and what stands for it in a test. */
export type Edit = readonly [from: string, to: string]

export interface ProxyOptions {
  /** What it sends requests to, as in `127.0.0.1:3000`. */
  readonly upstreams: readonly [string, string]
  /** What is different from the example. */
  readonly edits?: readonly Edit[]
}

export interface RunningProxy extends Pick<Program, 'port' | 'close'> {
  /** The access log, once it has at least so many lines. */
  accessLog(atLeast?: number): Promise<string[]>
}

/** One kind of proxy with the example configuration that belongs to it. */
export interface ProxyKind {
  readonly name: string
  /** As `requireTool` knows it. */
  readonly tool: string
  start(options: ProxyOptions): Promise<RunningProxy>
  /** How the connection of a dropped client ends; `open`: it is never told. */
  readonly end: End
  /** What a line of the access log says of a request. */
  read(line: string): LogLine
  /** The status of the log that means dropped. */
  readonly droppedStatus: number
  /** Whether it leaves lines out of its log when it has much to do. */
  readonly losesLines?: boolean
}

export interface LogLine {
  readonly status: number
  /** Bytes that the client was sent. */
  readonly bytes: number
  readonly path: string
}

const folder = new URL('../../../examples/behind-a-proxy/', import.meta.url)

/** The text of a file of `examples/behind-a-proxy`, edited. Throws where an edit finds nothing. */
export function example(name: string, edits: readonly Edit[]): string {
  return edits.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${name} has no ${JSON.stringify(from)}`)
      return text.replaceAll(from, to)
    },
    readFileSync(new URL(name, folder), 'utf8').replaceAll('\r\n', '\n'),
  )
}

/** The upstreams that stand in each example, replaced. */
export function upstreamEdits([first, second]: readonly [string, string]): Edit[] {
  return [
    ['127.0.0.1:3000', first],
    ['127.0.0.1:3001', second],
  ]
}

/** A line in the format `combined` of nginx and Apache. */
export function readCombined(line: string): LogLine {
  const [, path = '', status, bytes] = /"\S+ (\S+)[^"]*" (\d+) (\d+) "/.exec(line) ?? []
  return { path, status: Number(status), bytes: Number(bytes) }
}
