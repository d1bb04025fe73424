import { createRequire } from 'node:module'
import { createContext, runInContext, runInThisContext } from 'node:vm'
import { build } from 'esbuild'
import { root } from '../package/tree.ts'

export type Copy = typeof import('../../lib/index.ts') &
  typeof import('../../lib/django.ts') &
  typeof import('../../lib/redis.ts')

let bundled: Promise<string> | undefined

/** All of the package in one text, as a bundler leaves it in somebody's program. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: {
      contents: ['index', 'django', 'redis'].map(entry => `export * from './lib/${entry}.ts'`).join('\n'),
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]?.text as string
}

/** The same, made once. */
export function copyText(): Promise<string> {
  bundled ??= bundle()
  return bundled
}

/** What programs find among the globals. A context has the language's own by itself: arrays, errors, promises. */
const globals = [
  'process',
  'Buffer',
  'crypto',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'performance',
  'queueMicrotask',
  'URL',
] as const

export interface CopyOptions {
  /** In a `vm` context of its own, with modules of its own: as jest and vitest run a test file. */
  inContext?: boolean
  /** A version that keeps other things on requests. */
  isOfOtherShape?: boolean
}

/** One more copy of the package, loaded into this process. */
export async function loadCopy({
  inContext = false,
  isOfOtherShape = false,
}: CopyOptions = {}): Promise<Copy> {
  const text = await copyText()
  const shaped = isOfOtherShape ? text.replace(/\bSHAPE = (\d+);/, 'SHAPE = $1 + 1;') : text
  if (isOfOtherShape && shaped === text) throw new Error('the shape was not found')
  const code = `(function (module, exports, require) {${shaped}\n})`
  const context = () =>
    createContext(
      Object.fromEntries(globals.map(name => [name, (globalThis as Record<string, unknown>)[name]])),
    )
  const run = inContext ? runInContext(code, context()) : runInThisContext(code)
  const module = { exports: {} }
  run(module, module.exports, createRequire(import.meta.url))
  return module.exports as Copy
}
