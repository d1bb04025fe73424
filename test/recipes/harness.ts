import assert from 'node:assert/strict'
import { afterEach, beforeEach } from 'node:test'
import { collectDrops, settle, uncaught } from '../support/events.ts'
import { type Change, type Running, runBlock } from './recipe.ts'
import { complaints, failures, warnings } from './watch.ts'

export interface Block {
  /** What is said of it. */
  name: string
  code: string
  changes?: readonly Change[]
  hooks?: Record<string, unknown>
  /** What a client gets whose request a rule could not judge: of `protect` nothing, of a mounted rule the app's error page. */
  broken: 'nothing' | 'error page'
  /** It speaks TLS. */
  tls?: boolean
  /** Unwanted requests that are answered before the framework asks anybody. */
  answers?: Record<string, RegExp>
}

/** To be called in a suite: starts blocks that are stopped after each test, and asserts that nobody complained. */
export function recipes() {
  let running: Running | undefined
  let drops: ReturnType<typeof collectDrops>
  beforeEach(() => {
    drops = collectDrops()
  })
  afterEach(async () => {
    await running?.close()
    running = undefined
    drops.stop()
    const said = { uncaught, complaints, failures, warnings }
    for (const [what, list] of Object.entries(said)) assert.deepEqual(list.splice(0), [], what)
  })
  return {
    async start({ code, changes = [], hooks = {} }: Block, ...more: Change[]): Promise<Running> {
      running = await runBlock(code, [...changes, ...more], hooks)
      return running
    },
    events: () => drops.events,
    told: () => drops.events.map(({ rule, reason }) => `${rule}: ${reason}`),
  }
}

/** Waits until `done`, or two seconds. */
export async function soon(done: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 100 && !done(); tries++) await settle(20)
  return done()
}
