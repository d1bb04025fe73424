import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from '../package/tree.ts'
import { codeBlocks, page } from './docs.ts'

const project = join(root, 'test/routes/django-project')

/** A Python that has Django; the first one of the PATH need not be the system's. */
const pythons = [
  ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
  '/usr/bin',
  '/usr/local/bin',
].map(place => join(place, 'python3'))

function hasDjango(python: string): boolean {
  return existsSync(python) && spawnSync(python, ['-c', 'import django'], { timeout: 20_000 }).status === 0
}

let found: { python: string | undefined } | undefined

function findPython(): string | undefined {
  found ??= { python: [...new Set(pythons)].find(hasDjango) }
  return found.python
}

/** As `requireTool`, for Django. */
export function requireDjango(): string | false {
  if (findPython() !== undefined) return false
  const reason = 'Django is not installed'
  if (process.env.DROP444_REQUIRE_ALL === '1') throw new Error(`${reason}, and DROP444_REQUIRE_ALL is 1`)
  return reason
}

/** The project's environment variables, as its settings read them. */
export type Project = Readonly<Record<`PROJECT_${string}`, string>>

/** What a Python program that is given this input prints, run in the project. */
export function runPython(args: readonly string[], input: string, settings: Project = {}): string {
  const { status, stdout, stderr, error } = spawnSync(findPython() ?? 'python3', args, {
    cwd: project,
    input,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      DJANGO_SETTINGS_MODULE: 'settings',
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONIOENCODING: 'utf-8',
      ...settings,
    },
    timeout: 60_000,
    maxBuffer: 64 << 20,
  })
  if (status !== 0) throw error ?? new Error(`python3 ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Runs an export that docs/django-routes.md shows: the whole one, or the one in ten lines. */
export function exportRoutes(settings?: Project, which: 'whole' | 'short' = 'whole') {
  const [short = '', whole = ''] = codeBlocks(page('docs/django-routes.md'), 'python')
  const script = which === 'whole' ? whole : short
  return JSON.parse(runPython(['manage.py', 'shell', '-v', '0'], script, settings))
}

/** For each request path whether Django has a view for it or redirects to one. */
export function askDjango(paths: readonly string[], settings?: Project): boolean[] {
  return JSON.parse(runPython(['answer.py'], `${JSON.stringify(paths)}\n`, settings))
}
