import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { get, type RawClient } from '../support/raw-client.ts'
import type { Setup } from './setup.ts'
import { echoOf } from './site.ts'

const DROPS = 1_000
const AT_ONCE = 8
/** After so many drops a visitor asks. */
const EVERY = 10

/** Attackers, eight at a time, with visitors among them: none of these may notice. */
export async function manyDrops(setup: Setup, t: TestContext): Promise<void> {
  const clients: RawClient[] = []
  const wrong: unknown[] = []
  let next = 0
  async function work(): Promise<void> {
    while (next < DROPS) {
      const i = next++
      clients.push(await setup.attack(get(`/wp-content/${i}.php`), 20))
      if (i % EVERY !== 0) continue
      const id = `visitor-${i}`
      const answer = await setup.ask(`/echo/${id}`).catch(String)
      const isRight = typeof answer === 'object' && answer.status === 200
      if (!isRight || answer.body !== echoOf(id, Buffer.alloc(0))) wrong.push([id, answer])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))

  assert.deepEqual(wrong, [])
  for (const client of clients) setup.assertSilent(client)
  assert.equal(setup.drops.events.length, DROPS)
  assert.ok(setup.drops.events.every(({ action }) => action === 'hand-off'))
  assert.deepEqual(await setup.up(), setup.backends.names)

  const { opened } = setup.backends.connections
  assert.ok(opened < DROPS / 10, `${opened} connections to the app for ${DROPS} drops`)
  const lines = await setup.proxy.accessLog(DROPS + DROPS / EVERY + 2)
  const logged = lines.map(line => setup.kind.read(line))
  assert.deepEqual(
    logged.filter(({ status }) => status >= 500),
    [],
  )
  const dropped = logged.filter(({ path }) => path.startsWith('/wp-content/'))
  if (setup.kind.losesLines) assert.ok(dropped.length > DROPS * 0.98, `${dropped.length} lines`)
  else assert.equal(dropped.length, DROPS)
  assert.ok(dropped.every(({ status }) => status === setup.kind.droppedStatus))
  t.diagnostic(`${setup.kind.name}: ${DROPS} drops over ${opened} connections to the app`)
}
