import 'reflect-metadata'
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeEach, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { root, tsc } from '../package/tree.ts'
import { exchange, get } from '../support/raw-client.ts'
import { type Block, recipes } from './harness.ts'
import { blocksOf, type Change } from './recipe.ts'
import { suite } from './suite.ts'
import { complaints } from './watch.ts'

const blocks = blocksOf('nestjs')
const [mounted = '', through = ''] = blocks

// Compiled as Nest's projects are: controllers and injection by type need decorators that this tree's options don't have.
mkdirSync(join(root, '.cache'), { recursive: true })
const directory = mkdtempSync(join(root, '.cache', 'nest-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const config = {
  extends: '../../tsconfig.json',
  compilerOptions: {
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    erasableSyntaxOnly: false,
    noUnusedLocals: false,
    noEmit: false,
    rootDir: '../..',
    outDir: 'out',
    paths: { drop444: ['../../lib/index.ts'] },
  },
  include: ['*.ts'],
  exclude: [],
}
const site = readFileSync(new URL('nest-site.ts.txt', import.meta.url), 'utf8')
writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
writeFileSync(join(directory, 'site.ts'), site)
for (const [index, code] of blocks.entries()) writeFileSync(join(directory, `block-${index}.ts`), code)
tsc(['-p', '.'], directory)
const compiled = join(directory, 'out', relative(root, directory), 'site.js')
const lib = pathToFileURL(join(root, 'lib/index.ts')).href
writeFileSync(compiled, readFileSync(compiled, 'utf8').replace("'drop444'", `'${lib}'`))
const { AppModule, GuardedModule, calls } = await import(pathToFileURL(compiled).href)

const complain = (...said: unknown[]) => void complaints.push(said.map(String).join(' '))
const logger = { log() {}, warn: complain, error: complain }
const changes: Change[] = [
  ['@Module({})\nclass AppModule {}', 'const { AppModule } = globalThis.recipe'],
  ["['error', 'warn']", 'globalThis.recipe.logger'],
]
const hooks = { AppModule, logger }
const block = { changes, hooks }

beforeEach(() => {
  calls.length = 0
})

suite({ name: 'NestJS, mounted', code: mounted, ...block, broken: 'error page' })
suite({ name: 'NestJS, through protect', code: through, ...block, broken: 'nothing' })

describe('NestJS', () => {
  const { start, events, told } = recipes()
  const ask = async (port: number, path: string, headers = {}) =>
    (await exchange({ port }, get(path, { Connection: 'close', ...headers }))).data.toString()

  for (const [name, code] of Object.entries({ mounted, 'through protect': through })) {
    test(`guards, interceptors and filters see what passes, and nothing else: ${name}`, async () => {
      const { port } = await start({ name, code, ...block, broken: 'nothing' })
      assert.equal(await ask(port, '/wp-login.php'), '')
      assert.deepEqual(calls, [])
      assert.match(await ask(port, '/'), /^HTTP\/1\.1 200 OK[\s\S]*hello$/)
      assert.match(await ask(port, '/users/7'), /^HTTP\/1\.1 404 [\s\S]*filtered$/)
      assert.deepEqual(calls, ['guard', 'handler', 'interceptor', 'guard', 'filter'])
      assert.deepEqual(told(), ['pathAllowlist: unlisted-path'])
    })

    test(`Express's trust proxy is read: ${name}`, async () => {
      const set: Change = ['protect(', "app.set('trust proxy', 'loopback')\nprotect("]
      const { port } = await start({ name, code, ...block, broken: 'nothing' }, set)
      const visitor = { 'X-Forwarded-For': '203.0.113.9' }
      assert.match(await ask(port, '/wp-login.php', visitor), /^HTTP\/1\.1 444 /)
      assert.match(await ask(port, '/', visitor), /hello$/)
      assert.deepEqual(
        events().map(({ action, clientAddress }) => `${action} ${clientAddress}`),
        ['hand-off 203.0.113.9'],
      )
    })
  }

  test("rules in a module's own middleware", async () => {
    const guarded: Block = {
      name: 'guarded',
      code: through,
      changes: [...changes, [', { rules }', '']],
      hooks: { ...hooks, AppModule: GuardedModule },
      broken: 'error page',
    }
    const { port } = await start(guarded)
    assert.equal(await ask(port, '/', { 'User-Agent': 'sqlmap/1.8' }), '')
    assert.deepEqual(calls, [])
    assert.match(await ask(port, '/'), /hello$/)
    assert.deepEqual(told(), ['badAgent: bad-agent'])
  })
})
