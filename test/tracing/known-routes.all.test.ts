import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

interface Seen {
  atListen: string[]
  warnings: string[]
  answers: Record<string, string>
  seen: string[]
  spans: string[]
}

const inHere = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Real tracing is too big for the package's own devDependencies: `npm ci --prefix test/tracing/express5`. */
function missing(fixture: string): string | false {
  if (existsSync(inHere(`${fixture}/node_modules`))) return false
  const reason = `the packages of test/tracing/${fixture} are not installed`
  if (process.env.DROP444_REQUIRE_ALL === '1') throw new Error(`${reason}, and DROP444_REQUIRE_ALL is 1`)
  return reason
}

function visit(fixture: string, tracing: string): Seen {
  const args = ['--no-warnings', '--import', 'tsx', inHere('site.ts'), fixture, tracing]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout.split('\n').find(line => line.startsWith('{"atListen"')) ?? '')
}

const listed = ['/login', '/admin/users', '/admin/deep/d', '/api/r', '/root', '/guarded/x']

for (const fixture of ['express4', 'express5']) {
  describe(`knownRoutes of a traced app, ${fixture}`, { skip: missing(fixture) }, () => {
    for (const tracing of ['opentelemetry', 'sentry']) {
      test(`${tracing}: every route is found, and no handler hears of nobody's request`, () => {
        const { answers, warnings, seen, spans } = visit(fixture, tracing)
        const served = listed.map(path => [path, 'HTTP/1.1 200 OK'])
        assert.deepEqual(answers, Object.fromEntries([...served, ['/none', ''], ['no Host', '']]))
        assert.deepEqual(warnings, [])
        assert.deepEqual(seen, ['/users', '/deep/d', '/d', '/r'])
        if (tracing === 'opentelemetry') {
          // The tracing is on, and of eight requests it saw eight.
          assert.equal(spans.filter(name => name === 'middleware - noHost').length, 8, spans.join())
        }
      })
    }

    test('Sentry 7 hides what is behind app.use, and that is said before the first request', () => {
      const { answers, atListen, warnings, seen } = visit(fixture, 'sentry7')
      assert.deepEqual(warnings, atListen)
      const [warning = '', ...more] = warnings
      assert.match(warning, /^DROP444_UNSEEN_HANDLER .*\(hidden by the tracing of Sentry 7\) at \/admin, /)
      assert.match(warning, /\(hidden by the tracing of Sentry 7\) at \/api/)
      assert.deepEqual(more, [])
      assert.equal(answers['/login'], 'HTTP/1.1 200 OK')
      assert.equal(answers['/admin/users'], '')
      assert.deepEqual(seen, [])
    })
  })
}
