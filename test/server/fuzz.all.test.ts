import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe, fuzz, seedOf } from './fuzz.ts'

test('eight seconds of bytes nobody wrote: no byte back, no crash, no socket left', {
  timeout: 200_000,
}, async t => {
  const report = await fuzz(seedOf(), 8_000)
  t.diagnostic(`seed ${report.seed}, ${report.attempts} attempts`)
  assert.deepEqual([report.findings.length, report.leaks], [0, []], describe(report))
  assert.ok(report.attempts > 200, `${report.attempts} attempts`)
  // The grammar still reaches what it is for.
  const seldom = ['invalid-header', 'invalid-method', 'not-http2', 'malformed-tls', 'http2-error', 'no']
  assert.deepEqual(
    seldom.filter(reason => !report.reasons[reason]),
    [],
  )
})
