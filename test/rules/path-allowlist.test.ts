import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import connect from 'connect'
import express from 'express'
import express4 from 'express4'
import { browserPaths, pathAllowlist } from '../../lib/index.ts'
import { brief, sites } from '../support/ask.ts'
import { exchange, get } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'

const site = sites()

describe('pathAllowlist on the wire', () => {
  const patterns = [
    ...browserPaths,
    '/',
    '/users/**',
    '/files/*.pdf',
    '/a;v=1/*',
    '/enc%2fx',
    /^\/re\/\d+$/g,
    '!/users/internal',
  ]
  const cases: [string, string][] = [
    ['/', 'pass'],
    ['/?any=/../query', 'pass'],
    ['/users', 'pass'],
    ['/users/', 'pass'],
    ['/USERS/7', 'pass'],
    ['/users/7/edit', 'pass'],
    ['/users/internal', 'unlisted-path: /users/internal'],
    ['/users/%69nternal', 'unlisted-path: /users/%69nternal'],
    ['/files/a.pdf', 'pass'],
    ['/files/b/a.pdf', 'unlisted-path: /files/b/a.pdf'],
    ['/re/12', 'pass'],
    ['/re/12', 'pass'],
    ['/re/x', 'unlisted-path: /re/x'],
    ['/favicon.ico', 'pass'],
    ['/apple-touch-icon-120x120.png', 'pass'],
    ['/.well-known/acme-challenge/token', 'pass'],
    ['/.well-known/other', 'unlisted-path: /.well-known/other'],
    ['/.git/config', 'unlisted-path: /.git/config'],
    ['/users/.env', 'unlisted-path: /users/.env'],
    ['/wp-login.php', 'unlisted-path: /wp-login.php'],
    ['/a;v=1/x', 'pass'],
    ['/users/x;y', 'unlisted-path: /users/x;y'],
    ['/enc%2Fx', 'pass'],
    ['/users/a%2fb', 'unlisted-path: /users/a%2fb'],
    ['/users/../x', 'ambiguous-path: /users/../x'],
    ['/users/%2e%2E/x', 'ambiguous-path: /users/%2e%2E/x'],
    ['/users//x', 'ambiguous-path: /users//x'],
    ['//users', 'ambiguous-path: //users'],
    ['/users/..;/x', 'ambiguous-path: /users/..;/x'],
    ['/users/%00', 'ambiguous-path: /users/%00'],
    ['/users/%c0%af', 'ambiguous-path: /users/%c0%af'],
    ['/users/%252e', 'ambiguous-path: /users/%252e'],
    ['/users/%zz', 'ambiguous-path: /users/%zz'],
    ['/users/a\\b', 'ambiguous-path: /users/a\\b'],
    ['/users/%e2%82%ac', 'pass'],
    ['/users/100%25', 'pass'],
    ['http://localhost/users/7', 'pass'],
    ['http://localhost', 'pass'],
    ['http://localhost/x', 'unlisted-path: /x'],
    ['http://localhost/users/../x', 'ambiguous-path: /users/../x'],
  ]
  for (const app of ['express4', 'express5', 'connect', 'bare'] as const) {
    test(`the table: ${app}`, async () => {
      const to = await site([pathAllowlist(patterns)], { server: 'http', app })
      for (const [path, expected] of cases) {
        // Connect itself finds no handler for a target without a path.
        if (app === 'connect' && path === 'http://localhost') continue
        assert.equal(brief(await to.ask(path)), expected, path)
      }
      // Connect has no middleware for a target that is no path, not even at the root.
      if (app === 'connect') return
      const asterisk = await to.outcome('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      assert.equal(brief(asterisk), 'ambiguous-path: *')
    })
  }

  test('caseSensitive and strict', async () => {
    const to = await site([pathAllowlist(['/Users', '/x/'], { caseSensitive: true, strict: true })])
    assert.equal(await to.ask('/Users'), 'pass')
    assert.equal(await to.ask('/x/'), 'pass')
    for (const path of ['/users', '/Users/', '/x'])
      assert.equal(brief(await to.ask(path)), `unlisted-path: ${path}`)
  })

  test('mounted under a path, the patterns are relative to it', async t => {
    for (const create of [express4, express, connect] as unknown as (() => express.Express)[]) {
      const app = create()
      app.use('/shop', pathAllowlist(['/cart', '/']) as express.RequestHandler)
      app.use((_req, res) => void res.end('fine'))
      const server = await listen(http.createServer(app))
      t.after(() => server.close())
      const ask = async (path: string) =>
        (await exchange({ port: server.port }, get(path, { Connection: 'close' }))).data.toString()
      for (const path of ['/shop/cart', '/shop', '/shop/', '/elsewhere'])
        assert.match(await ask(path), /fine$/, path)
      for (const path of ['/shop/x', '/shop//cart', '/shop/../cart']) assert.equal(await ask(path), '', path)
    }
  })
})

test('browserPaths is frozen, and every entry of it passes', async () => {
  assert.ok(Object.isFrozen(browserPaths))
  const to = await site([pathAllowlist(browserPaths)])
  const asked = [
    '/favicon.ico',
    '/favicon.png',
    '/favicon.svg',
    '/manifest.webmanifest',
    '/.well-known/change-password',
    '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200',
    '/.well-known/web-identity',
    '/.well-known/webauthn',
  ]
  for (const path of [...browserPaths, ...asked])
    assert.equal(await to.ask(path.replace('*', 'x')), 'pass', path)
})
