import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findTool } from './tools.ts'

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

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
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

/** Whether `pid` itself listens on the loopback port: another server there would answer our tests. */
async function ownsPort(pid: number, port: number): Promise<boolean> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = (await readFile('/proc/net/tcp', 'latin1')).split('\n').map(row => row.trim().split(/\s+/))
  const listening = rows.find(row => row[1] === local && row[3] === '0A')
  if (!listening) return false
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
    if (target === `socket:[${listening[9]}]`) return true
  }
  return false
}

/** Where there is no /proc, nginx's pid file, which it writes after it has bound its sockets, must do. */
async function isUp(child: ChildProcess, port: number, directory: string): Promise<boolean> {
  if (child.pid === undefined || child.exitCode !== null) return false
  if (process.platform === 'linux') return ownsPort(child.pid, port).catch(() => false)
  const pid = await readFile(join(directory, 'nginx.pid'), 'latin1').catch(() => '')
  return Number(pid) === child.pid
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await gone
  clearTimeout(timer)
}

/** Ends nginx where this process is killed and can't: its end of the pipe closes then. */
function watchOver(pid: number, directory: string): ChildProcess {
  const script = 'read -r _; kill "$0"; rm -rf -- "$1"'
  return spawn('/bin/sh', ['-c', script, String(pid), directory], { stdio: ['pipe', 'ignore', 'ignore'] })
}

const linesOf = async (file: string) =>
  (await readFile(file, 'latin1').catch(() => '')).split('\n').slice(0, -1)

/** Starts nginx on an ephemeral loopback port, in a directory of its own that goes with it. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const binary = findTool('nginx')
  if (!binary) throw new Error('nginx is not installed')
  const directory = await mkdtemp(join(tmpdir(), 'drop444-nginx-'))
  const port = await freePort()
  await writeFile(join(directory, 'nginx.conf'), config(options, port))
  const child = spawn(binary, ['-p', `${directory}/`, '-c', 'nginx.conf'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TZ: options.timeZone ?? 'UTC' },
  })
  let complaint = ''
  child.stderr?.on('data', chunk => {
    complaint += chunk
  })
  child.on('error', error => {
    complaint += error.message
  })
  const watchdog = child.pid === undefined ? undefined : watchOver(child.pid, directory)

  async function close(): Promise<void> {
    await end(child)
    watchdog?.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  }

  for (let tries = 0; !(await isUp(child, port, directory)); tries++) {
    if (tries === 200 || child.exitCode !== null || complaint.includes('[emerg]')) {
      await close()
      throw new Error(`nginx did not start: ${complaint}`)
    }
    await pause(25)
  }

  async function accessLog(atLeast = 0): Promise<string[]> {
    const file = join(directory, 'access.log')
    let lines = await linesOf(file)
    for (let tries = 0; lines.length < atLeast && tries < 100; tries++) {
      await pause(20)
      lines = await linesOf(file)
    }
    return lines
  }

  return { port, accessLog, errorLog: () => linesOf(join(directory, 'error.log')), close }
}
