import assert from 'node:assert/strict'
import { afterEach, beforeEach } from 'node:test'
import { collectDrops, uncaught } from './events.ts'
import type { RunningServer } from './servers.ts'

/** The drops of the test that runs, and what its apps were called with. */
export let drops: ReturnType<typeof collectDrops>
export let calls: string[] = []
let running: RunningServer[] = []

/** Has a server closed after the test. */
export function closed(server: RunningServer): RunningServer {
  running.push(server)
  return server
}

/** To be called in a suite: each test begins anew, and nothing may be left uncaught at its end. */
export function hooks(): void {
  beforeEach(() => {
    drops = collectDrops()
    calls = []
    running = []
  })
  afterEach(async () => {
    for (const server of running) await server.close()
    drops.stop()
    assert.deepEqual(uncaught.splice(0), [])
  })
}
