import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { reader } from '../support/reader.ts'

/** The warnings of a server that is asked so often, one after the other; memory is collected behind each ten. */
function warnings(handler: string, times: number, served = true): string[] {
  const script = `
    import http from 'node:http'
    import * as D from './lib/index.ts'
    D.onDrop(() => {})
    const make = (more = {}) => D.rateLimit({ rate: '9r/s', burst: 1e6, maxKeys: 1000, ...more })
    process.on('warning', ({ code }) => console.log(code))
    let count = 0
    const collect = async () => { for (let i = 0; i < 2; i++) { gc(); await new Promise(resolve => setTimeout(resolve, 5)) } }
    async function ask(times) {
      const agent = new http.Agent({ keepAlive: true })
      const server = http.createServer((req, res) => handle(req, res, () => res.end()))
      await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
      for (let i = 0; i < times; i++) {
        await new Promise(resolve => http.get({ port: server.address().port, host: '127.0.0.1', agent }, res => res.resume().on('end', resolve)))
        if (i % 10 === 9) await collect()
      }
      agent.destroy()
      server.close()
    }
    ${handler}
    ${served ? `await ask(${times})` : ''}
    await collect()
    process.exit()
`
  const flags = ['--expose-gc', '--no-warnings', ...reader, '--input-type=module', '-e', script]
  const { stdout, stderr, status } = spawnSync(process.execPath, flags, { encoding: 'utf8', timeout: 60_000 })
  assert.equal(status, 0, stderr)
  return stdout.split('\n').filter(line => line !== '')
}

const said = ['DROP444_MADE_ANEW']

test('a rule that is made anew for each request is told of, once', () => {
  assert.deepEqual(warnings('const handle = (req, res, next) => make()(req, res, next)', 60), said)
})

test('so is one that is made behind an await, and one of drop444', () => {
  const handle = `
    const handle = async (req, res, next) => {
      await new Promise(resolve => setTimeout(resolve, 1))
      const rule = count++ % 2 ? make() : D.drop444({ badAgent: { empty: false } })
      await undefined
      rule(req, res, next)
    }`
  assert.deepEqual(warnings(handle, 90), said)
})

test('rules that are made at start, and thrown away behind a request, are none', () => {
  const handle = `
    const rules = Array.from({ length: 60 }, () => make())
    const handle = (req, res, next) => rules.pop()(req, res, next)`
  assert.deepEqual(warnings(handle, 60), [])
})

test('nor is one for each tenant, made when it first comes', () => {
  const handle = `
    const tenants = new Map()
    const handle = (req, res, next) => {
      const tenant = count++
      if (!tenants.has(tenant)) tenants.set(tenant, make())
      tenants.get(tenant)(req, res, next)
    }`
  assert.deepEqual(warnings(handle, 60), [])
})

test('nor those of tenants that are forgotten, where some come again', () => {
  const handle = `
    const tenants = new Map()
    const handle = (req, res, next) => {
      const tenant = count++ % 10 === 0 ? 0 : count
      if (!tenants.has(tenant)) tenants.set(tenant, make())
      if (tenants.size > 11) tenants.delete([...tenants.keys()].find(each => each !== 0))
      tenants.get(tenant)(req, res, next)
    }`
  assert.deepEqual(warnings(handle, 90), [])
})

test('nor those of tests: an app each, and requests that came to no server', () => {
  const served = `
    let rule
    const handle = (req, res, next) => rule(req, res, next)
    for (let i = 0; i < 30; i++) {
      rule = make()
      await ask(1)
      if (i % 10 === 9) await collect()
    }`
  assert.deepEqual(warnings(served, 1, false), [])
  const made = `
    const handle = () => {}
    for (let i = 0; i < 60; i++) {
      const socket = { remoteAddress: '192.0.2.1', on() {}, listeners: () => [] }
      make()({ headers: {}, httpVersion: '1.1', httpVersionMajor: 1, method: 'GET', url: '/', socket }, { socket, once() {} }, () => {})
      if (i % 10 === 9) await collect()
    }`
  assert.deepEqual(warnings(made, 0, false), [])
})
