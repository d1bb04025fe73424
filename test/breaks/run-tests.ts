import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { reader } from '../support/reader.ts'

/** What a test file needs whole takes seconds; a broken library may make it hang. */
const PATIENCE = 45_000

/** Tests that start other processes: they run to their end, and end those. */
const startsOthers = /^(?:nginx|demo|docs|package)/

export interface Ran {
  readonly ok: boolean
  /** The first test that failed. */
  readonly failed: string
  /** How many had passed by then. */
  readonly passed: number
}

function node(tree: string, args: readonly string[], seed?: string): ChildProcess {
  return spawn(process.execPath, [...reader, ...args], {
    cwd: tree,
    env: { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '', ...(seed && { DROP444_SEED: seed }) },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

/** Ends it, also where it is lost in a loop. */
function kill(child: ChildProcess): void {
  child.kill()
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
  child.once('close', () => clearTimeout(timer))
}

const exitOf = (child: ChildProcess) =>
  new Promise<number | null>(resolve => child.once('close', code => resolve(code)))

/**
 * Runs one test file; the first failure is enough, and mostly the rest is not waited for. Random input is that of `npm test`, or
 * new with `seed` `random`.
 */
export async function runTests(tree: string, file: string, seed?: 'random'): Promise<Ran> {
  const child = node(
    tree,
    ['--import', './test/support/seed.mjs', '--test-reporter=tap', `test/${file}`],
    seed,
  )
  const exited = exitOf(child)
  let failed: string | undefined
  let passed = 0
  const fail = (what: string, end = !startsOthers.test(file)) => {
    if (end && !child.killed) kill(child)
    failed ??= what
  }
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
    const [, not, name] = /^ *(not )?ok \d+ - (.*)$/.exec(line) ?? []
    if (not) fail(name as string)
    else if (name !== undefined) passed++
  })
  const timer = setTimeout(() => fail(`did not end within ${PATIENCE / 1000} s`, true), PATIENCE)
  const code = await exited
  clearTimeout(timer)
  if (failed === undefined && code !== 0) failed = `exit code ${code}`
  if (failed === undefined && passed === 0) failed = 'no test ran'
  return { ok: failed === undefined, failed: failed ?? '', passed }
}

/** Whether the library can be imported at all. */
export async function loads(tree: string): Promise<boolean> {
  return (await exitOf(node(tree, ['lib/index.ts']))) === 0
}
