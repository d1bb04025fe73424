import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What went wrong in the process has been written to stderr. */
export class ChildFailed extends Error {}

/**
 * Runs a file in a process of its own and parses what it prints. Memory and pauses are that file's alone then, and nothing
 * that the engine learned elsewhere counts.
 */
export function inChild<T>(file: URL, ...args: string[]): Promise<T> {
  const command = [...process.execArgv, '--expose-gc', fileURLToPath(file), ...args]
  return new Promise((resolve, reject) => {
    const limits = { timeout: 600_000, maxBuffer: 2 ** 26 }
    const child = execFile(process.execPath, command, limits, (error, stdout) => {
      if (error) reject(new ChildFailed(`${fileURLToPath(file)} ${args.join(' ')} failed`))
      else resolve(JSON.parse(stdout))
    })
    child.stderr?.pipe(process.stderr)
  })
}
