import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { reader } from '../support/reader.ts'

/** What a program with these lists says at start, a line each. */
function said(lists: string, debug = 'drop444:*'): string[] {
  const script = `
    import { browserPaths, pathAllowlist } from './lib/index.ts'
    ${lists}
    setTimeout(() => {}, 50) // A program that ends at once, as no server does, is not advised.
`
  const { stderr, status } = spawnSync(process.execPath, [...reader, '--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, DEBUG: debug, DEBUG_COLORS: 'no' },
    timeout: 60_000,
  })
  assert.equal(status, 0, stderr)
  return stderr.split('\n').filter(line => line.includes('drop444:advice'))
}

test('an allowlist that forgets what is asked for by itself says so, once', () => {
  const lines = said("pathAllowlist(['/', '/robots.txt'], { name: 'pages' })")
  assert.equal(lines.length, 2)
  assert.match(lines[0] as string, /pages drops \/favicon\.ico: .*browserPaths/)
  assert.match(lines[1] as string, /pages drops \/\.well-known\/acme-challenge\/token: .*RFC 8555/)
})

test('one that has them says nothing, and none does where nobody asks', () => {
  assert.deepEqual(said("pathAllowlist([...browserPaths, '/'])"), [])
  assert.deepEqual(said("pathAllowlist([/^\\/f/, '/robots.txt', '/.well-known/**'])"), [])
  assert.deepEqual(said("pathAllowlist(['/'])", ''), [])
})
