import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { promisify } from 'node:util'
import { sizeOf, sizes } from '../../test/package/sizes.ts'
import { bundled, root } from '../servers/launch.ts'
import { atMost, type Context, figure, type Result, type Row, type Section } from '../support/section.ts'
import { medianOf, spreadOf } from '../support/spread.ts'

const built = join(root, 'dist', 'index.js')

/** The package as it is published; built where `lib/` is newer. */
function build(): void {
  const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
  const newest = Math.max(...sources.map(file => statSync(join(root, 'lib', file)).mtimeMs))
  if (existsSync(built) && statSync(built).mtimeMs >= newest) return
  const shell = process.platform === 'win32'
  execFileSync('npm', ['run', 'build'], { cwd: root, shell, stdio: ['ignore', 'ignore', 'inherit'] })
}

interface Import {
  readonly ms: number
  readonly files: readonly string[]
}

/** What is imported, by the name in the table; the loader itself has its price. */
const candidates: Record<string, string> = {
  nothing: 'data:text/javascript,',
  'express-rate-limit': 'express-rate-limit',
  drop444: built,
}

async function importOnce(program: string, what: string): Promise<Import> {
  const url = what === built ? `file://${built}` : what
  const { stdout } = await promisify(execFile)(process.execPath, [program, url], { timeout: 30_000 })
  return JSON.parse(stdout)
}

/** The names of the packages that the files belong to. */
function packagesOf(files: readonly string[]): string[] {
  const names = files.flatMap(file => {
    const [first, second] = (file.split(`${sep}node_modules${sep}`).at(-1) as string).split(sep)
    if (!file.includes('node_modules')) return []
    return first?.startsWith('@') ? `${first}/${second}` : (first as string)
  })
  return [...new Set(names)].sort()
}

/** The packages that `drop444` needs, and those that they need, or take where they are there (`debug`: `supports-color`). */
function required(name?: string, known = new Set<string>()): Set<string> {
  const manifest = join(root, ...(name ? ['node_modules', name] : []), 'package.json')
  if (!existsSync(manifest)) return known
  const { dependencies, peerDependenciesMeta } = JSON.parse(readFileSync(manifest, 'utf8'))
  for (const each of Object.keys({ ...dependencies, ...(name && peerDependenciesMeta) })) {
    if (known.has(each)) continue
    known.add(each)
    required(each, known)
  }
  return known
}

async function run(context: Context): Promise<Result> {
  build()
  const program = bundled('import-time')
  const times = new Map(Object.keys(candidates).map(name => [name, [] as number[]]))
  let files: readonly string[] = []
  const end = performance.now() + context.budgetMs
  for (let round = 0; round < (context.quick ? 2 : 15) || performance.now() < end; round++) {
    context.progress(`round ${round + 1}`)
    for (const [name, what] of Object.entries(candidates)) {
      const once = await importOnce(program, what)
      times.get(name)?.push(once.ms)
      if (what === built) files = once.files
    }
  }
  const of = (name: string) => times.get(name) as number[]
  const more = medianOf(of('drop444').map((ms, round) => ms - (of('express-rate-limit')[round] as number)))
  const loaded = packagesOf(files)
  const known = required()
  const optional = loaded.filter(name => !known.has(name))
  const owns: Row[] = []
  for (const [what, { names }] of Object.entries(sizes))
    owns.push(figure('drop444', what, 'kB', await sizeOf(names)))
  const [core] = owns
  return {
    tables: [
      {
        title: 'An import, each in a process of its own',
        rows: [...times].map(([candidate, ms]) => ({ candidate, at: 'import', unit: 'ms', ...spreadOf(ms) })),
      },
      {
        title: "The library's own code, minified and compressed, without its dependencies",
        rows: owns,
      },
    ],
    targets: [
      atMost('import of drop444, over that of express-rate-limit', 10, more, 'ms'),
      atMost('packages loaded that it does not need', 0, optional.length, ''),
      atMost(
        'own code of the core, minified and compressed',
        14,
        core && 'median' in core ? core.median : undefined,
        'kB',
      ),
    ],
    agreement: [],
    notes: [
      `Packages that the import loads: ${loaded.join(', ')}. ${optional.length} of them it does not depend on.`,
    ],
  }
}

export const section: Section = { name: 'startup', title: 'Startup', budgetMs: 12_000, run }
