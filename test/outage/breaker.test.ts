import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import fc from 'fast-check'
import { Breaker } from '../../lib/outage/breaker.ts'

const turnOfLoop = () => new Promise<void>(resolve => setImmediate(resolve))
const turn = () => new Promise<void>(resolve => process.nextTick(resolve))

describe('breaker', () => {
  let log: string[]
  let time: number
  beforeEach(() => {
    log = []
    time = 0
    mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
  })
  afterEach(() => mock.timers.reset())

  const now = () => time
  const make = (probe?: () => unknown) =>
    new Breaker({
      probe,
      timeout: 50,
      onUp: () => log.push(`${time} up`),
      now,
    })

  /** Lets the time go on, in small steps: what promises say is heard in between. */
  async function wait(ms: number, step = 10): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      time += Math.min(step, left)
      mock.timers.tick(Math.min(step, left))
      await turn()
    }
  }

  const fail = (breaker: Breaker) => {
    if (breaker.failed(breaker.era)) log.push(`${time} down`)
  }
  const failing = (times: number[]) => () => {
    times.push(time)
    return Promise.reject(new Error('still gone'))
  }

  it('opens with the first failure, and says so once', () => {
    const breaker = make(() => new Promise(() => {}))
    assert.ok(breaker.admits())
    const { era } = breaker
    assert.equal(breaker.failed(era), true)
    assert.equal(breaker.failed(era), false)
    assert.equal(breaker.admits(), false)
  })

  it('probes after 100 ms, then twice as late each time, at last every 2 s', async () => {
    const times: number[] = []
    const breaker = make(failing(times))
    fail(breaker)
    await wait(10_000)
    assert.deepEqual(times, [100, 300, 700, 1500, 3100, 5100, 7100, 9100])
    assert.equal(breaker.admits(), false)
    assert.deepEqual(log, ['0 down'])
  })

  it('says how long it is until the next probe', async () => {
    const breaker = make(failing([]))
    fail(breaker)
    assert.equal(breaker.untilNext, 100)
    await wait(40)
    assert.equal(breaker.untilNext, 60)
    await wait(60)
    assert.equal(breaker.untilNext, 200)
  })

  it('closes with a probe that succeeds', async () => {
    let isBack = false
    const breaker = make(() => (isBack ? undefined : Promise.reject(new Error('gone'))))
    fail(breaker)
    await wait(250)
    isBack = true
    await wait(49)
    assert.equal(breaker.admits(), false)
    await wait(2, 1)
    assert.ok(breaker.admits())
    assert.deepEqual(log, ['0 down', '300 up'])
    await wait(5000)
    assert.equal(log.length, 2)
  })

  it('takes a probe that throws, or takes too long, for a failure', async () => {
    const answers: (() => void)[] = []
    let probes = 0
    const breaker = make(() => {
      if (probes++ === 0) throw new Error('at once')
      return new Promise<void>(resolve => answers.push(resolve))
    })
    fail(breaker)
    await wait(301)
    assert.deepEqual([probes, answers.length], [2, 1])
    await wait(55)
    // Too late: it says nothing of what the next request would find.
    answers[0]?.()
    await wait(10)
    assert.equal(breaker.admits(), false)
    await wait(400)
    assert.equal(probes, 3)
    answers[1]?.()
    await wait(1)
    assert.ok(breaker.admits())
  })

  it('goes on doubling where it fails again within 10 s, and begins anew after that', async () => {
    const times: number[] = []
    let isBack = true
    const breaker = make(() => (isBack ? undefined : failing(times)()))
    fail(breaker)
    await wait(150)
    for (const [pause, delay] of [
      [9_000, 200],
      [9_000, 400],
      [10_001, 100],
      [100, 200],
    ] as const) {
      await wait(pause)
      assert.ok(breaker.admits())
      fail(breaker)
      assert.equal(breaker.untilNext, delay)
      await wait(delay)
    }
    isBack = false
    assert.equal(log.filter(each => each.endsWith('up')).length, 5)
    fail(breaker)
    await wait(6_500)
    assert.deepEqual(
      times.map((each, i) => each - (times[i - 1] ?? each)),
      [0, 800, 1600, 2000],
    )
  })

  it('lets one call try where there is no probe, at those times', async () => {
    const breaker = make()
    fail(breaker)
    await wait(99)
    assert.equal(breaker.admits(), false)
    await wait(1)
    assert.deepEqual([breaker.admits(), breaker.admits()], [true, false])
    fail(breaker)
    await wait(199)
    assert.equal(breaker.admits(), false)
    await wait(1)
    assert.deepEqual([breaker.admits(), breaker.admits()], [true, false])
    breaker.succeeded(breaker.era)
    assert.deepEqual([breaker.admits(), breaker.admits()], [true, true])
    assert.deepEqual(log, ['0 down', '300 up'])
  })

  it('hears nothing of what was asked before an outage began or ended', async () => {
    const breaker = make(() => undefined)
    const before = breaker.era
    fail(breaker)
    breaker.succeeded(before)
    assert.equal(breaker.admits(), false)
    await wait(150)
    assert.ok(breaker.admits())
    assert.equal(breaker.failed(before), false)
    assert.ok(breaker.admits())
    assert.deepEqual(log, ['0 down', '100 up'])
  })

  it('leaves no more than ten probes with a client that does not answer, and one a minute', async () => {
    const answers: (() => void)[] = []
    const breaker = make(() => new Promise<void>(resolve => answers.push(resolve)))
    fail(breaker)
    await wait(40_000)
    assert.equal(answers.length, 10)
    await wait(60_000)
    assert.equal(answers.length, 11)
    for (const answer of answers.splice(0)) answer()
    for (let ms = 0; ms < 2_100 && answers.length === 0; ms += 10) await wait(10)
    assert.equal(answers.length, 1)
    answers[0]?.()
    await wait(1)
    assert.ok(breaker.admits())
  })

  it('does not wait for what a client has lost in an outage that is over', async () => {
    let probes = 0
    let loses = true
    const breaker = make(() => {
      probes++
      return loses ? new Promise(() => {}) : undefined
    })
    for (let i = 0; i < 12; i++) {
      loses = true
      const before = probes
      fail(breaker)
      while (probes === before) await wait(10)
      await wait(60)
      loses = false
      await wait(4_100)
      assert.ok(breaker.admits(), `outage ${i}`)
      await wait(10_001, 100)
    }
    assert.equal(breaker.strays.size, 0)
  })

  it('goes down and up in turn, and is never probed twice at a time', async () => {
    const step = fc.record({ ms: fc.integer({ min: 0, max: 3000 }), works: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        log = []
        let works = true
        let probing = 0
        const breaker = make(async () => {
          assert.equal(++probing, 1)
          await turn()
          probing--
          if (!works) throw new Error('gone')
        })
        for (const { ms, works: next } of steps) {
          works = next
          if (breaker.admits() && !works) fail(breaker)
          await wait(ms, 50)
        }
        works = true
        await wait(2_100, 50)
        assert.ok(breaker.admits())
        const states = log.map(each => each.split(' ')[1])
        assert.deepEqual(
          states,
          states.map((_, i) => (i % 2 === 0 ? 'down' : 'up')),
        )
        assert.equal(states.length % 2, 0)
      }),
      { numRuns: 20 },
    )
  })
})

describe('breaker: its timers', () => {
  it('keep no process alive', async () => {
    const timers = () => process.getActiveResourcesInfo().filter(each => each === 'Timeout').length
    const before = timers()
    let probes = 0
    const probe = () => {
      probes++
      return new Promise(() => {})
    }
    const breaker = new Breaker({ probe, timeout: 60_000, onUp: () => {} })
    breaker.failed(breaker.era)
    assert.equal(timers(), before)
    for (const end = performance.now() + 5_000; probes === 0 && performance.now() < end; ) await turnOfLoop()
    assert.equal(probes, 1)
    assert.equal(timers(), before)
  })
})
