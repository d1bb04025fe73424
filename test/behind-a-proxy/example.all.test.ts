import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative, sep } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { root } from '../package/tree.ts'
import { type Program, STDOUT, startProgram } from '../support/program.ts'
import { nginx } from '../support/proxies/nginx.ts'
import { example } from '../support/proxies/proxy.ts'
import { exchange, get } from '../support/raw-client.ts'
import { requireTool } from '../support/tools.ts'

const CLIENT = '127.0.0.2'
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** The app of the example, with this library in place of the package. */
function startApp(file: string): Promise<Program> {
  return startProgram({
    tool: 'node',
    binary: process.execPath,
    args: () => ['--import', loader, file],
    files: () => ({}),
    env: ({ port }) => ({ PORT: String(port) }),
  })
}

test('the example app, twice, behind nginx', { skip: requireTool('nginx') }, async t => {
  // Below the root, so that packages are found as they are from there.
  mkdirSync(join(root, '.cache'), { recursive: true })
  const directory = mkdtempSync(join(root, '.cache', 'proxied-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const lib = relative(directory, join(root, 'lib', 'index.ts'))
    .split(sep)
    .join('/')
  const file = join(directory, 'app.mjs')
  writeFileSync(file, example('app.mjs', [["from 'drop444'", `from '${lib}'`]]))

  const apps: Program[] = []
  t.after(() => Promise.all(apps.map(app => app.close())))
  for (let i = 0; i < 2; i++) apps.push(await startApp(file))
  const [first, second] = apps.map(({ port }) => `127.0.0.1:${port}`) as [string, string]
  const proxy = await nginx.start({ upstreams: [first, second] })
  t.after(() => proxy.close())

  const ask = async (path: string) => {
    const wire = await exchange(
      { port: proxy.port, localAddress: CLIENT },
      get(path, { Connection: 'close' }),
    )
    return `${wire.data.toString().slice(9, 12)} ${wire.data.toString().split('\r\n\r\n')[1] ?? ''}`
  }
  for (let i = 0; i < 2; i++) {
    assert.equal(await ask('/'), '200 <h1>Home</h1>\n')
    assert.equal(await ask('/orders/7'), '200 {"order":"7"}')
    assert.equal(await ask('/healthz'), '200 ok\n')
    assert.match(await ask('/robots.txt'), /^404 /, 'a path of browsers that this app does not have')
    assert.equal(await ask('/.env'), ' ')
  }
  const lines = (await Promise.all(apps.map(app => app.lines(STDOUT, 1)))).flat()
  assert.equal(lines.length, 2)
  for (const line of lines)
    assert.match(
      line,
      /^127\.0\.0\.2 - - \[.+\] "GET \/\.env HTTP\/1\.1" 444 0 "-" "raw\/1" "pathAllowlist" "unlisted-path"$/,
    )
})
