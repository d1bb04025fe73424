import { startProgram } from './program.ts'

export interface NginxOptions {
  /** The `server` blocks, which listen on `address`. */
  servers(address: string): string
  /** Further directives of the `http` block. */
  http?: string
  /** The format of the access log; default nginx's own, `combined`. */
  logFormat?: string
  /** Level of the error log. */
  errorLevel?: string
  timeZone?: string
}

export interface Nginx {
  readonly port: number
  /** The access log, a character a byte, once it has at least this many lines. */
  accessLog(atLeast?: number): Promise<string[]>
  errorLog(): Promise<string[]>
  close(): Promise<void>
}

/** Temporary files of its own: nothing outside the directory is read or written. */
function config({ servers, http = '', logFormat, errorLevel = 'warn' }: NginxOptions, port: number): string {
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path temp;`)
  return `
    daemon off; master_process off; pid nginx.pid; error_log error.log ${errorLevel};
    events { worker_connections 512; }
    http {
      ${temps.join(' ')}
      ${logFormat === undefined ? '' : `log_format own escape=none '${logFormat}';`}
      access_log access.log ${logFormat === undefined ? 'combined' : 'own'};
      ${http}
      ${servers(`127.0.0.1:${port}`)}
    }`
}

/** Starts nginx on an ephemeral loopback port, in a directory of its own that goes with it. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const { port, lines, close } = await startProgram({
    tool: 'nginx',
    args: ({ directory }) => ['-p', `${directory}/`, '-c', 'nginx.conf'],
    files: place => ({ 'nginx.conf': config(options, place.port) }),
    env: () => ({ TZ: options.timeZone ?? 'UTC' }),
    fatal: '[emerg]',
    pidFile: 'nginx.pid',
  })
  return {
    port,
    accessLog: atLeast => lines('access.log', atLeast),
    errorLog: () => lines('error.log'),
    close,
  }
}
