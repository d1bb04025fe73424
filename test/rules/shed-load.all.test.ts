import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { Reason, rule, type ShedLoadOptions, shedLoad } from '../../lib/index.ts'
import { watchLoop } from '../../lib/rules/shed-load/loop-lateness.ts'
import { brief, type Site, sites } from '../support/ask.ts'
import { settle } from '../support/events.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'

const site = sites()
const request = get('/', { Connection: 'close' })

function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

let immediate: NodeJS.Immediate | undefined
const calm = () => clearImmediate(immediate)
// A test that failed would leave the others, and the end of the process, no time.
afterEach(calm)

/** Turns of `ms` each, and a few between them in which sockets are heard, until `calm`. */
function overload(ms: number): void {
  let turns = 0
  immediate = setImmediate(turn)
  function turn(): void {
    if (turns++ % 8 === 0) block(ms)
    immediate = setImmediate(turn)
  }
}

/** `count` requests, a connection each, that are sent at once: what came of each. */
async function askAll(to: Site, count: number): Promise<string[]> {
  const wires = await Promise.all(
    Array.from({ length: count }, () => exchange({ port: to.port }, request, 8_000)),
  )
  return wires.map(({ data, wireBytes, end }) => {
    const text = data.toString()
    if (text.endsWith('fine')) return 'pass'
    return wireBytes === 0 ? `silence, ${end}` : text
  })
}

const reasons = (to: Site) => [...new Set(to.events.map(({ rule: name, reason }) => `${name} ${reason}`))]

/** Until a request passes: fails where shedding does not end. */
async function recovers(to: Site): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    if ((await askAll(to, 1))[0] === 'pass') return
    await settle(50)
  }
  assert.fail('it goes on shedding')
}

// The few turns between long ones may take a busy machine longer than 50 ms: the window is more.
const quick: ShedLoadOptions = { maxDelay: 200, interval: 150 }

test('silence while turns take long, and all pass before and after', async () => {
  const to = await site([shedLoad(quick)])
  await settle(100)
  assert.deepEqual(await askAll(to, 10), Array(10).fill('pass'))
  overload(400)
  await settle(700)
  assert.deepEqual(await askAll(to, 10), Array(10).fill('silence, fin'))
  calm()
  assert.deepEqual(reasons(to), ['shedLoad overloaded'])
  for (const { detail } of to.events) assert.match(detail as string, /^[1-9]\d{2}ms$/)
  await recovers(to)
  assert.deepEqual(await askAll(to, 10), Array(10).fill('pass'))
  assert.equal(Reason.OVERLOADED, 'overloaded')
})

test('status 503 is answered with Retry-After', async () => {
  const to = await site([shedLoad({ ...quick, status: 503, retryAfter: 1_500 })])
  await settle(100)
  overload(400)
  await settle(700)
  const [answer = ''] = await askAll(to, 1)
  calm()
  assert.match(answer, /^HTTP\/1\.1 503 /)
  assert.match(answer, /^retry-after: 2\r$/im)
  const byDefault = await site([shedLoad({ ...quick, status: 503 })])
  await settle(100)
  block(700)
  assert.match((await askAll(byDefault, 1))[0] as string, /^retry-after: 5\r$/im)
})

test('in the turn that is late itself, before anything could look', async () => {
  const judged: string[] = []
  const slow = rule('slow', () => {
    block(120)
    judged.push('slow')
  })
  const to = await site([shedLoad({ ...quick, interval: 50 }), slow], { server: 'http', app: 'bare' })
  await settle(100)
  // Twenty requests in one segment: one turn parses them all.
  const client = await RawClient.open({ port: to.port })
  client.send(get().repeat(20))
  const wire = await client.ended(6_000)
  client.destroy()
  const answered = wire.data.toString().split('fine').length - 1
  assert.ok(answered >= 1 && answered <= 5, `${answered} were answered`)
  assert.equal(judged.length, answered)
  assert.deepEqual(reasons(to), ['shedLoad overloaded'])
})

test('ends by itself, with no request', async () => {
  const to = await site([shedLoad(quick)])
  await settle(100)
  overload(400)
  await settle(700)
  calm()
  await settle(400)
  assert.deepEqual(await askAll(to, 5), Array(5).fill('pass'))
  assert.deepEqual(to.events, [])
})

test('once it sheds, not before the lateness is below half', async () => {
  const shed = async (turns: readonly number[]) => {
    const to = await site([shedLoad({ maxDelay: 300, interval: 100 })])
    await settle(150)
    let seen: string[] = []
    for (const ms of turns) {
      overload(ms)
      await settle(800)
      seen = await askAll(to, 2)
      calm()
    }
    return seen
  }
  assert.deepEqual(await shed([220]), ['pass', 'pass'])
  assert.deepEqual(await shed([500, 220]), Array(2).fill('silence, fin'))
})

test('neither an idle server is late nor one with short turns', async () => {
  const to = await site([shedLoad({ maxDelay: 300, interval: 20 })])
  let passed = 0
  overload(5)
  for (const end = performance.now() + 1_000; performance.now() < end; ) {
    if (performance.now() > end - 500) calm()
    passed += (await askAll(to, 2)).filter(each => each === 'pass').length
  }
  assert.deepEqual(to.events, [])
  assert.ok(passed > 20)
})

test('lateness is a mean over time: long turns count, however few; what is timed anyway does not', async () => {
  const seen: number[] = []
  const watch = { lateness: 0, lookedAt: 0, onLook: () => void seen.push(watch.lateness) }
  watchLoop(600, watch)
  await settle(20)
  await settle(650)
  block(500)
  await settle(800)
  const [idle = 1, paused = 0] = seen
  assert.ok(idle < 100, `${idle}`)
  // 500 ms of 600 to 700 were late by 500.
  assert.ok(paused > 250 && paused < 900, `${paused}`)
})

test('what starts an app may take long', async () => {
  const limit = shedLoad({ maxDelay: 200, interval: 300 })
  block(900)
  const to = await site([limit])
  assert.deepEqual(await askAll(to, 1), ['pass'])
})

test('dryRun tells, and sheds nothing; skip and except let health checks through', async () => {
  const dry = await site([shedLoad({ ...quick, dryRun: true })])
  const skips = await site([shedLoad({ ...quick, skip: req => req.url === '/health' })])
  const excepts = await site([shedLoad({ ...quick, except: ['loopback'] })])
  await settle(100)
  overload(400)
  await settle(700)
  assert.deepEqual(await askAll(dry, 3), Array(3).fill('pass'))
  assert.deepEqual([dry.events.length, dry.events[0]?.action], [3, 'dry-run'])
  assert.equal(await skips.ask('/health'), 'pass')
  assert.match(brief(await skips.ask('/')), /^overloaded: \d+ms$/)
  assert.equal(await excepts.ask('/'), 'pass')
  calm()
})
