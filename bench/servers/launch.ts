import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The longest that a program may work on an answer, in ms. */
const PATIENCE = 60_000

let directory: string | undefined

/** A place from which the installed packages are found; it goes with this process. */
function place(): string {
  if (directory) return directory
  const parent = join(root, 'node_modules', '.cache')
  mkdirSync(parent, { recursive: true })
  const made = mkdtempSync(join(parent, 'drop444-bench-'))
  process.once('exit', () => rmSync(made, { recursive: true, force: true }))
  directory = made
  return made
}

/**
 * One of the programs beside this file, with `lib/` in it, bundled as the package is built. A loader of TypeScript would add
 * code of its own to each function that is made on a request.
 */
export function bundled(name: string): string {
  const outfile = join(place(), `${name}.mjs`)
  if (existsSync(outfile)) return outfile
  buildSync({
    ...{ outfile, bundle: true, packages: 'external', platform: 'node', target: 'node20', format: 'esm' },
    entryPoints: [join(root, 'bench', 'servers', `${name}.ts`)],
    logLevel: 'warning',
  })
  return outfile
}

export interface Program<Ready> {
  readonly pid: number
  /** What it said when it was ready. */
  readonly ready: Ready
  /** Sends a message, and waits for the one that answers it. */
  ask<Answer>(question: object): Promise<Answer>
  close(): Promise<void>
}

/** The next message. Throws where the process ends before, or says nothing for too long. */
function hear<T>(child: ChildProcess, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onExit)
      settle()
    }
    const onMessage = (message: unknown) => end(() => resolve(message as T))
    const onExit = () => end(() => reject(new Error(`${name} ended`)))
    const timer = setTimeout(() => end(() => reject(new Error(`${name} does not answer`))), PATIENCE)
    child.on('message', onMessage).on('exit', onExit)
  })
}

/** Starts one of the programs in a process of its own, by default with this Node; it ends when this process does. */
export async function launch<Ready>(name: string, args: string[] = [], node = process.execPath) {
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
  const child = fork(bundled(name), args, { execPath: node, execArgv: ['--no-warnings'], stdio: [...stdio] })
  async function close(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  async function ask<Answer>(question: object): Promise<Answer> {
    const answer = hear<Answer>(child, name)
    child.send(question)
    return answer
  }
  const ready = await hear<Ready>(child, `${name} ${args.join(' ')}`)
  const program: Program<Ready> = { pid: child.pid as number, ready, ask, close }
  return program
}

/** Nanoseconds of processor time that a process has used, by all its threads: the kernel's own count. */
export function cpuOf(pid: number): number {
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).reduce((sum, task) => {
    const [ran] = readFileSync(`${tasks}/${task}/schedstat`, 'latin1').split(' ')
    return sum + Number(ran)
  }, 0)
}
