import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { root } from './tree.ts'

/** What depends on Express's insides, or on its settings. `npm test` runs these with the newest of each major version. */
const suites = [
  'routes/known-routes',
  'routes/known-routes-express',
  'routes/known-routes-in-flight',
  'routes/known-routes-rewritten',
  'routes/known-routes-wire',
  'routes/taken-away',
  'request/client-address',
  'rules/no-host-forwarded',
  'server/missing-host',
]

/** `npm ci --prefix test/package/oldest-express` */
function missing(): string | false {
  if (existsSync(join(root, 'test/package/oldest-express/node_modules'))) return false
  const reason = 'the packages of test/package/oldest-express are not installed'
  if (process.env.DROP444_REQUIRE_ALL === '1') throw new Error(`${reason}, and DROP444_REQUIRE_ALL is 1`)
  return reason
}

describe('the oldest Express of each major version that the package supports', { skip: missing() }, () => {
  const hooks = ['--import', 'tsx', '--import', './test/support/oldest-express.mjs']
  const options = { cwd: root, encoding: 'utf8', timeout: 240_000 } as const

  test('is what the suites below import', () => {
    const script = `import { createRequire } from 'node:module'
      for (const name of ['express', 'express4'])
        console.log(createRequire(import.meta.resolve(name))(name + '/package.json').version)`
    const args = [...hooks, '--input-type=module', '-e', script]
    const { stdout, stderr } = spawnSync(process.execPath, args, options)
    assert.equal(stdout, '5.0.0\n4.18.0\n', stderr)
  })

  for (const suite of suites) {
    test(suite, () => {
      // Without it the runner takes itself for one of its own children, and says nothing.
      const { NODE_TEST_CONTEXT: _, ...env } = process.env
      const args = [...hooks, '--test', '--test-reporter=tap', `test/${suite}.test.ts`]
      const { status, stdout } = spawnSync(process.execPath, args, { ...options, env })
      const failed = stdout.split('\n').filter(line => /^\s*not ok/.test(line))
      assert.equal(status, 0, failed.join('\n') || stdout.slice(-2_000))
      assert.match(stdout, /^# pass [1-9]/m)
    })
  }
})
