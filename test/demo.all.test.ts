import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readSample } from '../examples/demo/log-sample.ts'
import { flood, probes } from '../examples/demo/probes.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const rules = ['noHost', 'denyCidr', 'badAgent', 'pathAllowlist', 'rateLimit']

interface Run {
  code: number | null
  output: string
  errors: string
}

type Demo = ChildProcess & { output: string; errors: string }

function startDemo(args: readonly string[], { port = 0, home = root } = {}): Demo {
  const main = join(home, 'examples/demo/main.ts')
  const env = { ...process.env, PORT: String(port), NO_PROXY: '*' }
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], { cwd: root, env })
  const demo = Object.assign(child, { output: '', errors: '' })
  child.stdout.setEncoding('utf8').on('data', text => {
    demo.output += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    demo.errors += text
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), 40_000)
  child.once('close', () => clearTimeout(timer))
  return demo
}

function ended(demo: Demo): Promise<Run> {
  return new Promise(resolve =>
    demo.once('close', code => resolve({ code, output: demo.output, errors: demo.errors })),
  )
}

const runOnce = (args: readonly string[], options?: { port?: number; home?: string }) =>
  ended(startDemo(['--once', ...args], options))

/** The rows of the table: the counts of log, probes, flood, and all of them. */
function tableOf(output: string): Map<string, number[]> {
  const rows = output.split('\n').filter(line => /^│ \w/.test(line))
  return new Map(
    rows.map(row => {
      const [name = '', ...counts] = row
        .split('│')
        .slice(1, -1)
        .map(cell => cell.trim())
      return [name, counts.map(Number)]
    }),
  )
}

function assertSound({ code, output, errors }: Run): void {
  assert.equal(code, 0, output.slice(-3000) + errors)
  const table = tableOf(output)
  const row = (name: string) => table.get(name) ?? assert.fail(`the table has no row "${name}"`)
  assert.deepEqual(row('bytes that reached dropped clients'), [0, 0, 0, 0])
  const dropped = rules.map(rule => row(`dropped by ${rule}`))
  for (const [i, rule] of rules.entries()) assert.ok((dropped[i]?.[3] ?? 0) > 0, `${rule} dropped nothing`)
  for (const [column, requests] of row('requests').entries()) {
    const settled = [row('passed'), ...dropped].map(counts => counts[column] as number)
    assert.equal(
      settled.reduce((sum, count) => sum + count, 0),
      requests,
    )
  }
  const asked = [readSample().length, probes.length, flood.length]
  assert.deepEqual(row('requests'), [...asked, asked.reduce((sum, count) => sum + count, 0)])
  // nginx's combined line with status 444 and no bytes, then rule and reason: one a drop.
  for (const [i, rule] of rules.entries()) {
    const line = new RegExp(`^127\\S+ - - \\[.+\\] ".+" 444 0 ".*" ".*" "${rule}" "[a-z-]+"$`, 'gm')
    assert.equal(output.match(line)?.length, dropped[i]?.[3], `lines of ${rule}`)
  }
}

describe('demo', () => {
  it('drops what it must without a byte, passes what it must, and ends with 0', async () => {
    assertSound(await runOnce([]))
  })

  it('takes another port where the wanted one is taken', async () => {
    const occupier = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => occupier.once('listening', resolve))
    const { port } = occupier.address() as AddressInfo
    const run = await runOnce([], { port })
    occupier.close()
    assertSound(run)
    const [, taken] = new RegExp(`^Port ${port} is taken, so this is (\\d+)`, 'm').exec(run.output) ?? []
    assert.ok(taken && Number(taken) !== port, run.output.slice(0, 300))
    assert.match(run.output, new RegExp(`http://localhost:${taken}/`))
  })

  it('does the same where there is one loopback address', async () => {
    assertSound(await runOnce(['--one-address']))
  })

  it('has a telling sample whose clients stay apart', () => {
    const sample = readSample()
    assert.ok(sample.length >= 300)
    assert.deepEqual([...new Set(sample.map(({ expect }) => expect))].sort(), [
      'badAgent',
      'denyCidr',
      'pass',
      'pathAllowlist',
    ])
    const ours = new Set([...probes, ...flood].map(({ from }) => from))
    const log = readFileSync(join(root, 'examples/demo/access-sample.log'), 'utf8')
    const clients = new Set(log.match(/^\d+\.\d+\.\d+\.\d+(?= )/gm))
    const replayed = new Set(sample.map(({ from }) => from))
    assert.equal(replayed.size, clients.size)
    assert.ok([...replayed].every(address => !ours.has(address)))
  })

  const noShell = process.platform === 'win32' || spawnSync('curl', ['--version']).error !== undefined
  it('stays up, names curl commands that do what it says, and ends on Ctrl-C', {
    skip: noShell,
  }, async () => {
    const demo = startDemo([])
    const end = ended(demo)
    await new Promise<void>(resolve => {
      demo.once('close', () => resolve())
      demo.stdout?.on('data', () => demo.output.includes('Ctrl-C ends it.') && resolve())
    })
    const commands = [...demo.output.matchAll(/^ {2}(curl .+|for .+)\n +(.+)$/gm)]
    assert.ok(commands.length >= 10, demo.output.slice(-2000))
    for (const [, command = '', shows = ''] of commands) {
      const { stdout, stderr } = await shell(command)
      if (shows === 'the page') assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n/, command)
      else if (command.startsWith('for')) assert.match(stdout, /^200 .*000 /, command)
      else {
        assert.equal(stdout, '', command)
        assert.ok(stderr.includes('curl: (52) Empty reply from server'), `${command}: ${stderr}`)
        assert.ok(shows.startsWith('curl: (52) Empty reply from server'), shows)
      }
    }
    demo.kill('SIGINT')
    assert.deepEqual((await end).code, 0)
  })
})

function shell(command: string): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, NO_PROXY: '*' }
  return new Promise(resolve =>
    execFile('sh', ['-c', command], { env, timeout: 20_000 }, (_error, stdout, stderr) =>
      resolve({ stdout, stderr }),
    ),
  )
}

/** Slips of the library that the demo must not sleep through. */
const slips = [
  {
    name: 'drop writes one byte',
    file: 'lib/wire/http1.ts',
    from: 'else socket.destroy()\n',
    to: "else {\n    socket.write('x')\n    socket.destroy()\n  }\n",
    says: /^FAILED:\n {2}\d+ bytes reached clients that were dropped: there must be none$/m,
  },
  {
    name: 'a rule drops nothing',
    file: 'lib/rules/bad-agent.ts',
    from: 'checked.empty ?? true',
    to: 'checked.empty ?? false',
    says: /^FAILED:\n( {2}.+\n)* {2}GET .+ must be dropped by badAgent, but was not: it got "HTTP\/1\.1 200 OK"$/m,
  },
  {
    name: 'a visitor is dropped',
    file: 'lib/lists/browser-paths.ts',
    from: "  '/favicon.ico',\n",
    to: '',
    says: /^FAILED:\n( {2}.+\n)* {2}GET \/favicon\.ico .+ must pass, but was dropped by pathAllowlist \(unlisted-path\)$/m,
  },
]

describe('demo of a broken library', () => {
  for (const { name, file, from, to, says } of slips) {
    it(`fails where ${name}`, async t => {
      // Below the root, so that packages are found as they are from there.
      const cache = join(root, '.cache')
      mkdirSync(cache, { recursive: true })
      const home = mkdtempSync(join(cache, 'demo-'))
      t.after(() => rmSync(home, { recursive: true, force: true }))
      for (const folder of ['lib', 'examples'])
        cpSync(join(root, folder), join(home, folder), { recursive: true })
      const source = readFileSync(join(home, file), 'utf8')
      assert.equal(source.split(from).length, 2, `${file} must hold ${JSON.stringify(from)} once`)
      writeFileSync(join(home, file), source.replace(from, to))

      const { code, output, errors } = await runOnce([], { home })
      assert.equal(code, 1, output.slice(-2000) + errors)
      assert.match(output, says)
    })
  }
})
