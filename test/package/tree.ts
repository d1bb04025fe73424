import { execFileSync, type StdioOptions } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's own directory. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What is made, not written. */
const made = new Set(['node_modules', '.git', '.cache', 'dist', 'coverage'])

/** Projects within the tests have packages of their own. */
const isMade = (source: string) => made.has(relative(root, source)) || basename(source) === 'node_modules'

/** A directory that is gone when the process ends. */
export function temporary(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `drop444-${name}-`))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Copies the tree, so that building or breaking it disturbs nobody; the installed packages are linked. */
export function copyTree(to: string): void {
  cpSync(root, to, { recursive: true, filter: source => !isMade(source) })
  link(join(root, 'node_modules'), join(to, 'node_modules'))
}

/** Links a directory; on Windows in the way that needs no privilege. */
export function link(target: string, path: string): void {
  symlinkSync(target, path, 'junction')
}

/** Runs a program to its end; throws, with what it printed, if it fails. */
export function run(file: string, args: readonly string[], cwd: string): string {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
  // On Windows npm is a script, which only a shell can start.
  const shell = file === 'npm' && process.platform === 'win32'
  try {
    return execFileSync(file, args, { cwd, stdio, encoding: 'utf8', shell })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** Runs the compiler that the package is built with. */
export function tsc(args: readonly string[], cwd: string): string {
  return run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...args], cwd)
}
