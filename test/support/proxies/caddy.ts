import { startProgram } from '../program.ts'
import { example, type LogLine, type ProxyKind, upstreamEdits } from './proxy.ts'

function read(line: string): LogLine {
  const { status, size, request } = JSON.parse(line)
  return { status, bytes: size, path: request.uri }
}

/** What belongs to the machine that it runs on, not to the site. */
const globalOptions = '{\n\tadmin off\n\tauto_https off\n}\n'

export const caddy: ProxyKind = {
  name: 'Caddy',
  tool: 'caddy',
  end: 'fin',
  droppedStatus: 0,
  read,
  async start({ upstreams, edits = [] }) {
    const program = await startProgram({
      tool: 'caddy',
      args: () => ['run', '--adapter', 'caddyfile', '--config', 'Caddyfile'],
      files: ({ port }) => ({
        Caddyfile:
          globalOptions +
          example('Caddyfile', [
            ...edits,
            ...upstreamEdits(upstreams),
            ['\n:80 {\n', `\nhttp://:${port} {\n\tbind 127.0.0.1\n`],
            ['/var/log/caddy/', ''],
          ]),
      }),
      env: ({ directory }) => ({ HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory }),
    })
    return {
      port: program.port,
      close: program.close,
      accessLog: atLeast => program.lines('access.log', atLeast),
    }
  },
}
