import { spawnSync } from 'node:child_process'
import { type Program, startProgram } from './program.ts'
import { findTool } from './tools.ts'

/** A redis-server that is the test's own. */
export interface Redis extends Program {
  readonly pid: number
  readonly url: string
  /** Ends it at once, or stops it where it stands; with the signal that says so. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** One command, as redis-cli runs it; what it prints. */
  cli(...args: string[]): string
}

export interface RedisOptions {
  /** Further arguments: `['--maxmemory', '2mb']`. */
  args?: readonly string[]
  /** Where it listens; default: a free port. */
  port?: number
  /** Where it keeps what it keeps; default: a directory of its own, that goes with it. */
  dir?: string
}

/** What redis-cli prints of one command; an error of the server's is printed too. */
export function redisCli(port: number, ...args: string[]): string {
  const binary = findTool('redis-cli') ?? 'redis-cli'
  return spawnSync(binary, ['-p', String(port), ...args], { encoding: 'utf8', timeout: 10_000 }).stdout.trim()
}

/** Keeps nothing on disk, unless `args` say otherwise. */
export async function startRedis({ args = [], port: wanted, dir }: RedisOptions = {}): Promise<Redis> {
  const program = await startProgram({
    tool: 'redis-server',
    ...(wanted === undefined ? {} : { port: wanted }),
    args: ({ port, directory }) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir ?? directory],
      ...['--save', '', '--appendonly', 'no', '--daemonize', 'no', ...args],
    ],
    files: () => ({}),
  })
  const { pid, port } = program
  return {
    ...program,
    url: `redis://127.0.0.1:${port}`,
    cli: (...command) => redisCli(port, ...command),
    signal: signal => void process.kill(pid, signal),
  }
}
