import { type Program, startProgram } from './program.ts'

/** A memcached that is the test's own. */
export interface Memcached extends Program {
  /** As its clients take it: `127.0.0.1:11211`. */
  readonly location: string
  /** Ends it at once, or stops it where it stands; with the signal that says so. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
}

/** @param wanted where it listens; default: a free port */
export async function startMemcached(wanted?: number): Promise<Memcached> {
  const program = await startProgram({
    tool: 'memcached',
    ...(wanted === undefined ? {} : { port: wanted }),
    // Root has to say as whom it runs.
    args: ({ port }) => [
      ...['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', '16', '-t', '1'],
      ...(process.getuid?.() === 0 ? ['-u', 'root'] : []),
    ],
    files: () => ({}),
  })
  const { pid, port } = program
  return {
    ...program,
    location: `127.0.0.1:${port}`,
    signal: signal => void process.kill(pid, signal),
  }
}
