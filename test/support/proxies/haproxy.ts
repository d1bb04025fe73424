import { existsSync, readFileSync } from 'node:fs'
import { STDOUT, startProgram } from '../program.ts'
import {
  type Edit,
  example,
  type LogLine,
  type ProxyKind,
  type ProxyOptions,
  type RunningProxy,
  upstreamEdits,
} from './proxy.ts'

/** `… web app/a 0/0/0/1/1 444 0 - - PR-- 1/1/0/0/0 0/0 "GET /x HTTP/1.1"`. */
function read(line: string): LogLine {
  const [, status, bytes, path = ''] = / [-\d/+]+ (-?\d+) \+?(\d+) - - .*"\S+ (\S+)[^"]*"$/.exec(line) ?? []
  return { path, status: Number(status), bytes: Number(bytes) }
}

const isRoot = process.getuid?.() === 0

/** As a user without rights, unless told otherwise: as the example has it. */
async function start({ upstreams, edits = [] }: ProxyOptions, id = 65_534): Promise<RunningProxy> {
  const program = await startProgram({
    tool: 'haproxy',
    args: () => ['-db', '-f', 'haproxy.cfg'],
    files: ({ port }) => ({
      'haproxy.cfg': example('haproxy.cfg', [
        ...edits,
        ...upstreamEdits(upstreams),
        ['bind :80\n', `bind 127.0.0.1:${port}\n`],
        ['log /dev/log local0\n', 'log stdout format raw local0 info\n'],
        // Who is not root can't become somebody else.
        ['    user haproxy\n', isRoot ? `    uid ${id}\n` : ''],
        ['    group haproxy\n', isRoot ? `    gid ${id}\n` : ''],
      ]),
    }),
  })
  // Its health checks, and that it has begun, are told there too.
  const isRequest = (line: string) => line.endsWith('"')
  return {
    port: program.port,
    close: program.close,
    accessLog: atLeast => program.lines(STDOUT, atLeast, isRequest),
  }
}

/** Without CAP_NET_ADMIN: its RST goes out with a TTL of 1, which on loopback is enough to arrive. */
export const haproxy: ProxyKind = {
  name: 'HAProxy, silent-drop',
  tool: 'haproxy',
  end: 'rst',
  droppedStatus: 444,
  // Rather than wait for another thread that writes to stdout: fd_write_frag_line() in its src/fd.c.
  losesLines: true,
  read,
  start: options => start(options),
}

/** Bit 12 of what we may do, if the kernel tells: a container's root need not have it. */
function hasNetAdmin(): boolean {
  if (!isRoot || !existsSync('/proc/self/status')) return false
  const [, mask = '0'] = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return ((BigInt(`0x${mask}`) >> 12n) & 1n) === 1n
}

/** With it: not even that goes out. Only root has it to give. */
export const haproxyAsRoot: ProxyKind | undefined = hasNetAdmin()
  ? {
      ...haproxy,
      name: 'HAProxy, silent-drop as root',
      end: 'open',
      start: options => start(options, 0),
    }
  : undefined

/** The other choice of the example: the commented lines in place of silent-drop. */
const withFin: readonly Edit[] = [
  ['    http-response silent-drop', '    #http-response silent-drop'],
  ['    #errorfile', '    errorfile'],
  ['    #http-response deny', '    http-response deny'],
]

export const haproxyDeny: ProxyKind = {
  ...haproxy,
  name: 'HAProxy, an empty page',
  end: 'fin',
  droppedStatus: 410,
  start: options => start({ ...options, edits: [...withFin, ...(options.edits ?? [])] }),
}
