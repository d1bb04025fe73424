import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { exchange, get, type Wire } from '../support/raw-client.ts'
import { install, type Packed, pack } from './packed.ts'
import { root, run, tsc } from './tree.ts'

const packed: Packed = pack()

describe('the tarball', () => {
  test('holds the build, the docs and nothing else', () => {
    const allowed =
      /^(?:dist\/[\w/-]+(?:\.d\.ts|\.js|\.js\.map)|docs\/[\w/-]+\.(?:md|svg)|README\.md|LICENSE|CHANGELOG\.md|package\.json)$/
    assert.deepEqual(
      packed.files.filter(file => !allowed.test(file)),
      [],
    )
  })

  for (const file of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/django.js',
    'dist/django.d.ts',
    'dist/redis.js',
    'dist/redis.d.ts',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
  ]) {
    test(`holds ${file}`, () => assert.ok(packed.files.includes(file)))
  }

  test('holds the docs', () => {
    assert.ok(packed.files.some(file => file.startsWith('docs/')))
  })

  test('has the build in few files: the core, the sub-paths, what they share, what few need; and the types of each', () => {
    const scripts = packed.files.filter(file => file.endsWith('.js'))
    const names = scripts.map(file => file.replace(/-[A-Z\d]{8}(?=\.js$)/, ''))
    assert.deepEqual(
      [...new Set(names)],
      ['chunk', 'django', 'index', 'redis', 'respond-not-found', 'stores'].map(name => `dist/${name}.js`),
    )
    assert.ok(scripts.length < 10)
    const declarations = packed.files.filter(file => file.endsWith('.d.ts'))
    assert.ok(declarations.length > 20)
    for (const file of declarations) {
      const source = readFileSync(join(packed.directory, file), 'utf8')
      for (const [, target] of source.matchAll(/from '(\.[^']+)'/g)) {
        const declared = join(dirname(file), (target as string).replace(/\.[jt]s$/, '.d.ts'))
        assert.ok(packed.files.includes(declared), `${file}: ${target}`)
      }
    }
  })

  test('has every file that its exports name', () => {
    const targets = JSON.stringify(packed.manifest.exports).match(/(?<=:")\.\/[^"]+(?=")/g) ?? []
    assert.ok(targets.length >= 2)
    for (const target of targets) assert.ok(existsSync(join(packed.directory, target)), target)
  })
})

interface Consumer {
  readonly output: readonly string[]
  readonly port: number
  stop(): Promise<void>
}

/** Runs a consumer's app until `stop`; the first line that it prints names its port. */
async function start(project: string, script: string): Promise<Consumer> {
  const child: ChildProcess = spawn(process.execPath, [script], {
    cwd: project,
    // Warnings are for people; Node 20 warns of require() of a module.
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: string[] = []
  const collect = (stream: NodeJS.ReadableStream) =>
    createInterface({ input: stream }).on('line', line => output.push(line))
  const lines = collect(child.stdout as NodeJS.ReadableStream)
  collect(child.stderr as NodeJS.ReadableStream)
  const exited = new Promise<void>(resolve => child.once('close', () => resolve()))
  const patience = setTimeout(() => child.kill(), 20_000)
  await Promise.race([new Promise(resolve => lines.once('line', resolve)), exited])
  clearTimeout(patience)
  const port = Number(/^port (\d+)$/.exec(output[0] ?? '')?.[1])
  assert.ok(port > 0, output.join('\n'))
  const stop = () => {
    child.kill()
    return exited
  }
  return { output, port, stop }
}

test('import and require give one copy; a second version acts as one with it', () => {
  const project = install('js-esm', packed)
  const other = join(project, 'node_modules', 'dependency')
  cpSync(packed.directory, join(other, 'node_modules', 'drop444'), { recursive: true })
  writeFileSync(
    join(project, 'two.mjs'),
    `import { createServer, get } from 'node:http'
    import { createRequire } from 'node:module'
    import * as one from 'drop444'
    const here = createRequire(import.meta.url)('drop444')
    const heard = []
    const stop = one.onDrop(({ rule }) => heard.push('one ' + rule))
    const two = createRequire(new URL('node_modules/dependency/index.js', import.meta.url))('drop444')
    two.onDrop(({ rule }) => heard.push('two ' + rule))
    const server = createServer((_req, res) => void res.end('fine')).listen(0, '127.0.0.1', async () => {
      one.protect(server, { rules: [two.rule('all', () => true)] })
      const ask = () => new Promise(resolve => get({ port: server.address().port, agent: false }, resolve).on('error', resolve))
      const { code } = await ask()
      stop()
      await ask()
      server.close()
      console.log(JSON.stringify({ required: here.drop === one.drop, second: two.drop === one.drop, code, heard }))
    })`,
  )
  assert.deepEqual(JSON.parse(run(process.execPath, ['two.mjs'], project)), {
    required: true,
    second: false,
    code: 'ECONNRESET',
    heard: ['one all', 'two all', 'two all'],
  })
})

const consumers: Record<string, string> = {
  'js-esm': 'app.js',
  'js-cjs': 'app.js',
  'ts-esm': 'out/app.js',
  'ts-cjs': 'out/app.js',
}

for (const [name, script] of Object.entries(consumers)) {
  describe(`a ${name} project`, () => {
    let project: string
    before(() => {
      project = install(name, packed)
    })

    if (name.startsWith('ts'))
      test('type-checks, the declarations of the package too', () => {
        tsc(['-p', '.'], project)
      })

    describe('runs:', () => {
      let app: Consumer
      before(async () => {
        app = await start(project, script)
      })
      after(() => app?.stop())

      const ask = (bytes: string): Promise<Wire> => exchange({ port: app.port }, bytes)
      const passes = async (path: string) => {
        const { data } = await ask(get(path, { Connection: 'close' }))
        assert.match(data.toString(), /^HTTP\/1\.1 200 [\s\S]*passed/)
      }
      const dropped: Record<string, string> = {
        noHost: 'GET / HTTP/1.1\r\n\r\n',
        denyCidr: get('/denied'),
        badAgent: get('/', { 'User-Agent': 'sqlmap/1.8' }),
        pathAllowlist: get('/.env'),
        rateLimit: get('/login'),
      }

      test('wanted requests pass', async () => {
        await passes('/')
        await passes('/login')
      })

      for (const [rule, bytes] of Object.entries(dropped)) {
        test(`${rule} drops with no byte, and a line says so`, async () => {
          const wire = await ask(bytes)
          assert.equal(wire.wireBytes, 0)
          assert.equal(wire.end, 'fin')
          await new Promise(resolve => setTimeout(resolve, 20))
          assert.match(app.output.at(-1) ?? '', new RegExp(` 444 0 .* "${rule}" "[a-z-]+"$`))
        })
      }
    })
  })
}

test('the consumers are those of the directory', () => {
  const found = readdirSync(join(root, 'test', 'package', 'consumers'))
  assert.deepEqual(found.sort(), Object.keys(consumers).sort())
})
