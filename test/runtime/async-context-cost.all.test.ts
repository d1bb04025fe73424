import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { buildOf } from '../package/graph.ts'

// In a process of its own, and as it is published: Node's test runner watches each resource, tsx names each closure.
test('to go on in a context, its resource included, takes a fraction of a microsecond', async t => {
  const source =
    "import { measured } from './test/runtime/async-context-cost.ts'; console.log(JSON.stringify(measured))"
  const { code } = await buildOf(source, 'external', true)
  const { stdout } = spawnSync(process.execPath, ['--input-type=module'], { input: code, timeout: 200_000 })
  for (const [i, least] of (JSON.parse(String(stdout)) as Record<string, number>[]).entries()) {
    const figures = Object.entries(least).map(([name, ns]) => `${name} ${Math.round(ns)} ns`)
    t.diagnostic(`${i === 0 ? 'without' : 'in'} an AsyncLocalStorage: ${figures.join(', ')}`)
    assert.ok((least.inThisContext as number) < 1_000)
    assert.ok((least.outsideRequests as number) < 1_000)
  }
})
