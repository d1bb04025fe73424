import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RateLimitOptions } from '../../lib/index.ts'
import { judgeAt, verdictOf } from './limit-req-replay.ts'

/** Thousandths of a request per second, rounded down. */
const units = {
  '1r/s': 1_000,
  '200r/s': 200_000,
  '1r/m': 16,
  '7r/m': 116,
  '10r/m': 166,
  '30r/m': 500,
  '60r/m': 1_000,
}

interface Sequence {
  readonly name: string
  readonly options: RateLimitOptions
  /** The time of each request in ms, and `P`(assed), `R`(ejected) or for how many ms it is delayed. */
  readonly steps: string
}

const sequences: readonly Sequence[] = [
  {
    name: '5r/s is one in 200 ms',
    options: { rate: '5r/s' },
    steps: '5000:P 5199:R 5200:P 5399:R 5400:P',
  },
  {
    name: '1r/m is one in 62.5 s',
    options: { rate: '1r/m' },
    steps: '0:P 62499:R 62500:P 124999:R 125000:P',
  },
  {
    name: 'burst=2 nodelay admits three at once, then one an interval',
    options: { rate: '10r/s', burst: 2 },
    steps: '0:P 0:P 0:P 0:R 99:R 100:P 100:R 400:P 400:P 400:P 400:R',
  },
  {
    name: 'burst=5 delay=2 admits three at once and queues three',
    options: { rate: '10r/s', burst: 5, delay: 2 },
    steps: '0:P 0:P 0:P 0:100 0:200 0:300 0:R 50:R 100:300',
  },
  {
    name: 'burst=3 queues',
    options: { rate: '10r/s', burst: 3, delay: 'all' },
    steps: '0:P 0:100 0:200 30:270 31:R',
  },
  {
    name: 'a rejected request costs nothing',
    options: { rate: '1r/s' },
    steps: '0:P 900:R 999:R 1000:P',
  },
  {
    name: 'a clock set back lets nobody wait longer than the rate says',
    options: { rate: '1r/s', burst: 1 },
    steps: '100000:P 40000:P 100000:P 100999:P 101000:P',
  },
  {
    name: 'a clock set back gives a state that is later than now no time to drain',
    options: { rate: '1000r/s' },
    steps: '100000:P 100000:R 39999:R 39999:R 40000:P',
  },
  {
    name: 'parts of a millisecond do not count',
    options: { rate: '1000r/s' },
    steps: '0.9:P 1.1:P 1.9:R 2:P',
  },
]

describe('rateLimit counts in the units of nginx', () => {
  for (const [rate, expected] of Object.entries(units) as [RateLimitOptions['rate'], number][]) {
    test(`${rate} is ${expected}`, async () => {
      const [{ bucket } = assert.fail()] = await judgeAt({ rate, burst: 3 }, [0])
      assert.deepEqual(bucket, { rate: expected, burst: 3_000, delay: Number.POSITIVE_INFINITY })
    })
  }

  for (const { name, options, steps } of sequences) {
    test(name, async () => {
      const times = steps.split(' ').map(Number.parseFloat)
      const judged = await judgeAt(options, times)
      const verdicts = judged.map(({ decision }) => {
        const verdict = verdictOf(decision)
        return verdict === 'DELAYED' ? decision.delay : verdict[0]
      })
      assert.equal(times.map((time, i) => `${time}:${verdicts[i]}`).join(' '), steps)
    })
  }
})
