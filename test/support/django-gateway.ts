import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { root } from '../package/tree.ts'

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Whether it becomes true within the patience (ms). */
export async function becomes(isTrue: () => boolean, patience = 5_000): Promise<boolean> {
  for (const until = Date.now() + patience; !isTrue() && Date.now() < until; ) await pause(25)
  return isTrue()
}

/** The one command of the example. */
export const command = ['node', '--import', 'tsx', 'examples/django-gateway/main.ts'] as const

/** Ends it where this process is killed and can't: its end of the pipe closes then. */
function watchOver({ pid }: ChildProcess): ChildProcess {
  const args = ['-c', 'read -r _; kill "$0"', String(pid)]
  return spawn('/bin/sh', args, { stdio: ['pipe', 'ignore', 'ignore'] })
}

/** The example, started by its one command. */
export class Example {
  readonly child: ChildProcess
  readonly #watchdog: ChildProcess
  #output = ''
  #errors = ''

  private constructor() {
    this.child = spawn(process.execPath, command.slice(1), {
      cwd: root,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#watchdog = watchOver(this.child)
    this.child.stdout?.setEncoding('utf8').on('data', text => {
      this.#output += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', text => {
      this.#errors += text
    })
  }

  static async start(): Promise<Example> {
    const example = new Example()
    const isUp = () => example.#output.includes('Ctrl-C') || example.child.exitCode !== null
    await becomes(isUp, 30_000)
    assert.ok(example.#output.includes('Ctrl-C'), `it did not start: ${example.#output}${example.#errors}`)
    return example
  }

  #said(pattern: RegExp): string {
    return pattern.exec(this.#output)?.[1] ?? assert.fail(`no ${pattern} in ${this.#output}`)
  }

  get port(): number {
    return Number(this.#said(/^The gateway: +http:\/\/localhost:(\d+)\//m))
  }

  get djangoPort(): number {
    return Number(this.#said(/^Django alone: +http:\/\/localhost:(\d+)\//m))
  }

  get user(): string {
    return this.#said(/log in as (\w+)/)
  }

  get password(): string {
    return this.#said(/log in as \w+, ([\w-]+)\)/)
  }

  get log(): string {
    return this.#said(/its log: (.+)$/m)
  }

  /** Its 444 lines. */
  get drops(): string[] {
    return this.#output
      .split('\n')
      .slice(0, -1)
      .filter(line => / 444 0 /.test(line))
  }

  get errors(): string {
    return this.#errors
  }

  /** What Django says that it was asked, as `GET /about/ 200`, once it is at least so much. */
  async requests(atLeast: number): Promise<string[]> {
    await becomes(() => this.#logged().length >= atLeast)
    return this.#logged()
  }

  #logLines(): string[] {
    return readFileSync(this.log, 'utf8').split('\n').slice(0, -1)
  }

  #logged(): string[] {
    return this.#logLines()
      .filter(line => line.includes(' django.server '))
      .map(line => line.replace(/^.* django\.server "(\S+) (.*) HTTP\/1\.[01]" (\d+) .*$/, '$1 $2 $3'))
  }

  /** Everything in Django's log that is no line of a request. */
  get remarks(): string[] {
    const lines = this.#logLines()
    return lines.filter(line => !line.includes(' django.server ')).map(line => line.replace(/^\S+ \S+ /, ''))
  }

  get directoryExists(): boolean {
    return existsSync(dirname(this.log))
  }

  async end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit')
      this.child.kill(signal)
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 8_000)
      await gone
      clearTimeout(timer)
    }
    this.#watchdog.kill('SIGKILL')
    return this.child.exitCode
  }
}
