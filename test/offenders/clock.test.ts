import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { afterEach, describe, test } from 'node:test'
import { type DropEvent, drop, onDrop, protect } from '../../lib/index.ts'
import { makeClock } from '../../lib/offenders/offender-clock.ts'
import { repeatOffender } from '../../lib/rules/repeat-offender.ts'
import { settle } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { start } from '../support/servers.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const who = '192.0.2.1'
const systemNow = Date.now

/** Sets the system's clock, as this process sees it. */
function setSystemClock(by: number): void {
  Date.now = () => systemNow() + by
}

describe('the clock of the system', () => {
  afterEach(() => {
    Date.now = systemNow
  })

  const near = (time: number | undefined, expected: number) =>
    assert.ok(Math.abs((time ?? 0) - expected) < 1_000, `${time} is not ${expected}`)

  for (const by of [-DAY, -HOUR, -61_000, -2_000, 2_000, HOUR, 400 * DAY]) {
    test(`set by ${by / 1000} s: the dates of bans follow it at once, their lengths do not`, async () => {
      const own = repeatOffender({ ban: '10m' })
      own.ban(who)
      const [before] = own.list()
      near(before?.since, systemNow())
      setSystemClock(by)
      const [moved] = own.list()
      near(moved?.since, systemNow() + by)
      near(moved?.until, systemNow() + by + 600_000)
      assert.equal((moved?.until ?? 0) - (moved?.since ?? 0), 600_000)
      assert.deepEqual(own.list(), own.list())
      own.ban('192.0.2.2', { duration: '1s' })
      await settle(900)
      assert.equal(own.isBanned(who), true)
      for (let i = 0; i < 100 && own.isBanned('192.0.2.2'); i++) await settle(20)
      assert.deepEqual([own.isBanned('192.0.2.2'), own.isBanned(who)], [false, true])
      setSystemClock(0)
      near(own.list()[0]?.since, before?.since ?? 0)
      own.close()
    })
  }

  test('events and their details have its date, also after it was set', async () => {
    const own = repeatOffender({ ban: '10m' })
    const server = await start({ server: 'http', app: 'bare' }, [own], (req, _res) => drop(req))
    protect(server.server)
    const events: DropEvent[] = []
    const stop = onDrop(event => events.push(event))
    try {
      for (const by of [0, -HOUR, HOUR]) {
        setSystemClock(by)
        own.lift('127.0.0.1')
        await exchange({ port: server.port }, get('/'))
        near(events.at(-1)?.time, systemNow() + by)
        own.ban('127.0.0.1')
        await exchange({ port: server.port }, get('/'))
        near(events.at(-1)?.time, systemNow() + by)
        const [, until = ''] = / until (\S+)$/.exec(events.at(-1)?.detail ?? '') ?? []
        near(Date.parse(until), systemNow() + by + 600_000)
      }
    } finally {
      stop()
      own.close()
      await server.close()
    }
  })

  test('a process that was started by a wrong clock has right dates once that is corrected', () => {
    const script = `
      const real = Date.now
      Date.now = () => real() - 86_400_000
      const { repeatOffender } = await import('./lib/rules/repeat-offender.ts')
      const own = repeatOffender()
      own.ban('192.0.2.1')
      const before = own.list()[0].since - real()
      Date.now = real
      console.log(Math.round(before / 10_000), Math.round((own.list()[0].since - real()) / 10_000))`
    const args = ['--import', 'tsx', '--input-type=module', '-e', script]
    const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
    assert.deepEqual([child.stdout.trim().replace('-0', '0'), child.status], ['-8640 0', 0], child.stderr)
  })

  test('dates do not waver while it runs as ever', async () => {
    const clock = makeClock()
    const time = clock.now()
    const dates = new Set<number>()
    for (let i = 0; i < 50; i++) {
      dates.add(clock.dateOf(time))
      await settle(1)
    }
    assert.equal(dates.size, 1)
  })
})

describe('a clock of the user’s that is set back', () => {
  for (const by of [1_000, 59_000, 61_000, HOUR, DAY]) {
    test(`by ${by / 1000} s lengthens no ban and no window, and is what dates are by`, () => {
      let time = 1.8e12
      const own = repeatOffender({ now: () => time, limit: 1, ban: '10m', window: '10s' })
      own.ban(who)
      time += 60_000
      assert.equal(own.isBanned(who), true)
      time -= by
      assert.equal(own.isBanned(who), true)
      assert.deepEqual(
        own.list().map(({ since, until }) => [since - time, until - time]),
        [[-60_000, 540_000]],
      )
      time += 540_000 - 1
      assert.equal(own.isBanned(who), true)
      time += 1
      assert.deepEqual([own.isBanned(who), own.list()], [false, []])
      own.close()
    })
  }

  test('offences leave the window though it is set back', async () => {
    let time = 1.8e12
    const own = repeatOffender({ now: () => time, limit: 1, window: '10s', statuses: [] })
    const server = await start({ server: 'http', app: 'bare' }, [own], (req, _res) => drop(req))
    let asked = 0
    const offend = () => exchange({ port: server.port }, get(`/${asked++}`))
    try {
      for (const by of [1_000, HOUR, DAY]) {
        await offend()
        time -= by
        // It is read, as with each offence.
        own.list()
        time += 10_000
        await offend()
        assert.equal(own.isBanned('127.0.0.1'), false, `${by}`)
        time -= by
        await offend()
        assert.equal(own.isBanned('127.0.0.1'), true, `${by}`)
        own.lift('127.0.0.1')
      }
    } finally {
      own.close()
      await server.close()
    }
  })
})
