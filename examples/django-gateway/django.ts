import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { DjangoExport } from '../../lib/django.ts'

const site = fileURLToPath(new URL('site', import.meta.url))
const places = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/bin', '/usr/local/bin']

/** The first Python that has Django: the first one of the PATH need not. */
export function findPython(): string | undefined {
  const hasDjango = (python: string) =>
    existsSync(python) && spawnSync(python, ['-c', 'import django'], { timeout: 20_000 }).status === 0
  return [...new Set(places)].map(place => join(place, 'python3')).find(hasDjango)
}

export interface Django {
  readonly port: number
  readonly user: string
  readonly password: string
  /** The file that Django logs each request to. */
  readonly log: string
  /** What export_routes.py printed. */
  readonly routes: DjangoExport
  readonly child: ChildProcess
  close(): Promise<void>
}

/** What the project's own URLconf says, as JSON. */
function exportRoutes(python: string, env: NodeJS.ProcessEnv): Promise<DjangoExport> {
  return new Promise((resolve, reject) => {
    const options = { cwd: site, env, timeout: 30_000 }
    const shell = execFile(python, ['manage.py', 'shell', '-v', '0'], options, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    )
    shell.stdin?.end(readFileSync(join(site, 'export_routes.py')))
  })
}

/** The first line that it prints: where it listens, and the user. */
async function firstLine(child: ChildProcess): Promise<Pick<Django, 'port' | 'user' | 'password'>> {
  if (child.stdout) for await (const line of createInterface(child.stdout)) return JSON.parse(line)
  throw new Error('Django did not start: see above')
}

/** Starts the project, with files in a directory of its own that goes with it. */
export async function startDjango(): Promise<Django> {
  const python = findPython()
  if (!python)
    throw new Error('no python3 here has Django: apt install python3-django, or pip install django')
  const directory = await mkdtemp(join(tmpdir(), 'drop444-django-'))
  const env = { ...process.env, SHOP_DIRECTORY: directory, PYTHONDONTWRITEBYTECODE: '1' }
  // A group of its own, or Ctrl-C ends it before the gateway.
  const child = spawn(python, ['serve.py'], {
    cwd: site,
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  const gone = once(child, 'close')

  async function close(): Promise<void> {
    child.stdin.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
    await gone.catch(() => {})
    clearTimeout(timer)
    await rm(directory, { recursive: true, force: true })
  }

  try {
    const [routes, ready] = await Promise.all([exportRoutes(python, env), firstLine(child)])
    return { ...ready, routes, log: join(directory, 'django.log'), child, close }
  } catch (error) {
    await close()
    throw error
  }
}
