import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import { type DropEvent, type DropLogOptions, dropLog, OptionsError, onDrop } from '../../lib/index.ts'
import { settle } from '../support/events.ts'

/** A stream that keeps its lines. */
function keeper() {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(...String(chunk).split('\n').slice(0, -1))
      done()
    },
  })
  return { stream, lines }
}

function publish(times: number, fields: Partial<DropEvent> = {}): void {
  for (let i = 0; i < times; i++) {
    channel('drop444:drop').publish({
      time: Date.now(),
      status: 444,
      action: 'close',
      rule: 'denyCidr',
      reason: 'denied-address',
      method: 'GET',
      url: `/${i}`,
      httpVersion: '1.1',
      bodyBytesSent: 0,
      clientAddress: '192.0.2.1',
      ...fields,
    })
  }
}

function logged(options: DropLogOptions, publishing: () => void): string[] {
  const { stream, lines } = keeper()
  const stop = dropLog(stream, options)
  publishing()
  stop()
  return lines
}

const urls = (lines: string[]) => lines.flatMap(line => /"GET (\S+)/.exec(line)?.[1] ?? [])

describe('a thinned log', () => {
  test('sample: one line in so many of each rule and reason, and the number of the others', () => {
    const lines = logged({ sample: 10 }, () => {
      publish(25)
      publish(3, { reason: 'unlisted-address' })
    })
    assert.deepEqual(urls(lines), ['/0', '/10', '/20', '/0'])
    assert.match(lines[4] as string, /^# drop444: 22 more in [\d.]+ s: "denyCidr" "denied-address"$/)
    assert.match(lines[5] as string, /^# drop444: 2 more in .* "unlisted-address"$/)
    assert.equal(lines.length, 6)
  })

  test('sum: the first of an interval, then the number of the others, and so on', async () => {
    const { stream, lines } = keeper()
    const stop = dropLog(stream, { sum: 40 })
    const keepAlive = setTimeout(() => {}, 60_000)
    publish(500)
    for (let tries = 0; tries < 1_000 && lines.length < 2; tries++) await settle(10)
    assert.match(lines[1] as string, /^# drop444: 499 more in [\d.]+ s: /)
    publish(1)
    stop()
    clearTimeout(keepAlive)
    assert.deepEqual(urls(lines), ['/0', '/0'])
    assert.equal(lines.length, 3)
  })

  test('subscribers see each event', () => {
    let count = 0
    const stop = onDrop(() => count++)
    logged({ sample: 1_000 }, () => publish(2_500))
    stop()
    assert.equal(count, 2_500)
  })

  test('json says the number as a line of JSON; dry runs are counted apart', () => {
    const lines = logged({ sum: 60_000, format: 'json' }, () => {
      publish(3)
      publish(4, { action: 'dry-run' })
    }).map(line => JSON.parse(line))
    assert.equal(lines.length, 4)
    const [real, dry] = lines.slice(2)
    assert.deepEqual(
      [real.count, real.dryRun, real.rule, real.reason],
      [2, false, 'denyCidr', 'denied-address'],
    )
    assert.deepEqual([dry.count, dry.dryRun], [3, true])
    assert.ok(real.milliseconds >= 0 && Date.parse(real.time) > 0)
  })

  test('a dry run is not in the formats that programs ban by, nor in their numbers', () => {
    assert.deepEqual(
      logged({ sample: 2 }, () => publish(9, { action: 'dry-run' })),
      [],
    )
  })

  test('through a logger', () => {
    const { stream, lines } = keeper()
    const stop = dropLog(pino(stream), { sample: 5 })
    publish(7)
    stop()
    const said = JSON.parse(lines.at(-1) as string)
    assert.deepEqual([said.rule, said.reason, said.count], ['denyCidr', 'denied-address', 5])
    assert.match(said.msg, /^# drop444: 5 more/)
  })

  test('a reason that is another one each time makes no list without end', () => {
    const lines = logged({ sum: 60_000 }, () => {
      for (let i = 0; i < 3_000; i++) publish(2, { reason: `reason ${i}` })
    })
    assert.equal(lines.length, 6_000)
    assert.match(lines[1_000] as string, /^# drop444: 1 more/)
  })

  test('both, and what is no number, are refused', () => {
    for (const options of [{ sample: 2, sum: 5 }, { sample: 0 }, { sum: 0.5 }, { sample: '3' }]) {
      assert.throws(() => dropLog(process.stdout, options as DropLogOptions), OptionsError)
    }
  })
})
