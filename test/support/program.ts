import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, ownsPort } from './ports.ts'
import { findTool } from './tools.ts'

export interface Place {
  /** The program's own: nothing outside of it is written. */
  readonly directory: string
  /** Free when the program is started. */
  readonly port: number
}

export interface ProgramOptions {
  /** As {@link findTool} knows it. */
  tool: string
  /** Where it is; default: where `findTool` finds it. */
  binary?: string
  /** Where it is to listen; default: a free port. */
  port?: number
  args(place: Place): string[]
  /** Name and text of each file that it reads. */
  files(place: Place): Record<string, string>
  env?(place: Place): Record<string, string>
  /** What it says on stderr where it will not start, though it has not ended yet. */
  fatal?: string
  /** The file that it writes its pid to once it listens, where there is no /proc to ask. */
  pidFile?: string
}

export interface Program extends Place {
  readonly pid: number
  /** The lines of one of its files, a character a byte, that are wanted, once there are at least so many. */
  lines(file: string, atLeast?: number, isWanted?: (line: string) => boolean): Promise<string[]>
  close(): Promise<void>
}

/** The file that has what it writes to stdout. */
export const STDOUT = 'stdout.log'

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function isUp(child: ChildProcess, { port, directory }: Place, pidFile?: string): Promise<boolean> {
  if (child.pid === undefined || hasEnded(child)) return false
  if (process.platform === 'linux') return ownsPort(child.pid, port).catch(() => false)
  if (pidFile === undefined) throw new Error('without /proc there is no telling whether it is up')
  return Number(await readFile(join(directory, pidFile), 'latin1').catch(() => '')) === child.pid
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  // One that was stopped hears nothing until it goes on.
  child.kill('SIGCONT')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await gone
  clearTimeout(timer)
}

/** Ends the program where this process is killed and can't: its end of the pipe closes then. */
function watchOver(pid: number, directory: string): ChildProcess {
  const script = 'read -r _; kill "$0"; kill -CONT "$0"; rm -rf -- "$1"'
  return spawn('/bin/sh', ['-c', script, String(pid), directory], { stdio: ['pipe', 'ignore', 'ignore'] })
}

const linesOf = async (file: string) =>
  (await readFile(file, 'latin1').catch(() => '')).split('\n').slice(0, -1)

async function launch(binary: string, options: ProgramOptions, place: Place) {
  const { directory } = place
  for (const [name, text] of Object.entries(options.files(place)))
    await writeFile(join(directory, name), text)
  const stdout = await open(join(directory, STDOUT), 'a')
  const child = spawn(binary, options.args(place), {
    cwd: directory,
    stdio: ['ignore', stdout.fd, 'pipe'],
    env: { ...process.env, ...options.env?.(place) },
  })
  await stdout.close()
  const said = { text: '' }
  const hear = (text: unknown) => {
    said.text = `${said.text}${text}`.slice(-10_000)
  }
  child.stderr?.on('data', hear)
  child.on('error', hear)
  return { child, said }
}

/** Starts a program in a directory of its own, that goes with it, and waits until it listens on a free loopback port. */
export async function startProgram(options: ProgramOptions, triesLeft = 2): Promise<Program> {
  const binary = options.binary ?? findTool(options.tool)
  if (!binary) throw new Error(`${options.tool} is not installed`)
  const directory = await mkdtemp(join(tmpdir(), `drop444-${options.tool}-`))
  // Programs that root starts work as somebody else.
  await chmod(directory, 0o755)
  const place = { directory, port: options.port ?? (await freePort()) }
  const { child, said } = await launch(binary, options, place)
  const watchdog = child.pid === undefined ? undefined : watchOver(child.pid, directory)

  async function close(): Promise<void> {
    await end(child)
    watchdog?.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  }

  const { fatal, pidFile } = options
  for (let tries = 0; !(await isUp(child, place, pidFile)); tries++) {
    if (tries === 200 || hasEnded(child) || (fatal !== undefined && said.text.includes(fatal))) {
      await close()
      // Somebody else was faster.
      if (triesLeft > 0 && /already in use/i.test(said.text)) return startProgram(options, triesLeft - 1)
      throw new Error(`${options.tool} did not start: ${said.text}`)
    }
    await pause(25)
  }

  const lines: Program['lines'] = async (file, atLeast = 0, isWanted = () => true) => {
    const read = async () => (await linesOf(join(directory, file))).filter(isWanted)
    let found = await read()
    for (let tries = 0; found.length < atLeast && tries < 100; tries++) {
      await pause(20)
      found = await read()
    }
    return found
  }

  return { ...place, pid: child.pid as number, lines, close }
}
