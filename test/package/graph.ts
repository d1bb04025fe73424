import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, posix, relative, sep } from 'node:path'
import { build, type Metafile } from 'esbuild'
import { root } from './tree.ts'

/** What `lib/index.ts` needs at run time; with `packages: 'bundle'` also what its dependencies need. */
export function bundle(packages: 'bundle' | 'external') {
  return buildOf("export * from './lib/index.ts'", packages, false)
}

/** What a program needs of which this is the source: `inputs` and `code` are what is loaded at once. */
export async function buildOf(contents: string, packages: 'bundle' | 'external', minify: boolean) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    packages,
    minify,
    metafile: true,
    platform: 'node',
    format: 'esm',
    splitting: true,
    outdir: 'out',
    write: false,
    logLevel: 'silent',
  })
  const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === '<stdin>')
  const [path, { inputs }] = entry as [string, Metafile['outputs'][string]]
  const output = outputFiles.find(file => file.path === join(root, path)) as { contents: Uint8Array }
  return { metafile, inputs: new Set(Object.keys(inputs)), code: output.contents }
}

/** The files of a bundle and the files that each imports; types are gone. */
export function runtimeGraph({ inputs }: Metafile): Map<string, readonly string[]> {
  const own = ([file, { imports }]: [string, Metafile['inputs'][string]]) =>
    [file, imports.filter(({ external }) => !external).map(({ path }) => path)] as const
  return new Map(Object.entries(inputs).map(own))
}

interface Built {
  readonly metafile: Metafile
  readonly inputs: ReadonlySet<string>
}

/** What is loaded at once of Node and of packages that stay outside. */
export function externals({ metafile, inputs }: Built): { builtin: Set<string>; packages: Set<string> } {
  const builtin = new Set<string>()
  const packages = new Set<string>()
  const files = Object.entries(metafile.inputs).filter(([file]) => inputs.has(file))
  for (const { path, external } of files.flatMap(([, { imports }]) => imports)) {
    if (!external) continue
    if (path.startsWith('node:') || builtinModules.includes(path)) builtin.add(path)
    else packages.add(path)
  }
  return { builtin, packages }
}

/** The packages that are inside a bundle. */
export function bundledPackages({ inputs }: Metafile): string[] {
  const names = Object.keys(inputs).flatMap(
    file => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? [],
  )
  return [...new Set(names)].sort()
}

/** Every import of every file of `lib`, imports of types included. */
export function sourceGraph(): Map<string, readonly string[]> {
  const graph = new Map<string, string[]>()
  for (const entry of readdirSync(join(root, 'lib'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
    const file = relative(root, join(entry.parentPath, entry.name)).split(sep).join('/')
    const source = readFileSync(join(root, file), 'utf8')
    const imports = [
      ...source.matchAll(/^(?:import|export|\}) ?[^'"\n]*from '(\.[^']+)'/gm),
      // What is loaded when somebody has need of it.
      ...source.matchAll(/\bimport\('(\.[^']+)'\)/g),
    ]
    graph.set(
      file,
      imports.map(([, target]) => posix.join(dirname(file), target as string)),
    )
  }
  return graph
}

/** A way from a file back to itself, or undefined. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  function walk(file: string, path: readonly string[]): string[] | undefined {
    const start = path.indexOf(file)
    if (start >= 0) return [...path.slice(start), file]
    if (done.has(file)) return undefined
    for (const next of graph.get(file) ?? []) {
      const cycle = walk(next, [...path, file])
      if (cycle) return cycle
    }
    done.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const cycle = walk(file, [])
    if (cycle) return cycle
  }
  return undefined
}

/** All that is reached from a file. */
export function reachable(graph: ReadonlyMap<string, readonly string[]>, from: string): Set<string> {
  const seen = new Set<string>()
  const todo = [from]
  for (let file = todo.pop(); file !== undefined; file = todo.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    todo.push(...(graph.get(file) ?? []))
  }
  return seen
}
