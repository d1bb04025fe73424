import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { RateLimitStore } from '../../lib/index.ts'
import type { Bucket, Decision } from '../../lib/stores.ts'

/** A bucket in requests; nothing waits, unless told. */
export const bucket = (rate: number, burst: number, delay = Number.POSITIVE_INFINITY): Bucket => ({
  rate: rate * 1000,
  burst: burst * 1000,
  delay: delay * 1000,
})

/** Slow: a test that takes a second on a busy machine sees nothing run off but what it has to reckon with. */
const SLOW = 0.01
const PER_REQUEST = 1000 / SLOW

/** What may have run off since, in milliseconds. */
const SLACK = 20_000

function assertAbout(actual: number, atMost: number): void {
  assert.ok(actual <= atMost && actual > atMost - SLACK, `${actual} instead of about ${atMost}`)
}

const allowedOf = (decisions: readonly Decision[]) => decisions.map(({ allowed }) => allowed)

/** Keys that nobody else has used. */
let made = 0
const newKey = () => `key-${process.pid}-${made++}`

/** What each store of `rateLimit` has to do, whatever clock it has: by the real time. */
export function testStore(get: () => RateLimitStore): void {
  const hit = async (key: string, limit: Bucket, cost?: number) =>
    get().hit(key, limit, performance.now(), cost)
  const hitAll = async (...hits: [key: string, limit: Bucket, cost?: number][]) => {
    const all = hits.map(([key, bucket, cost]) => ({ key, bucket, cost }))
    return (await get().hitAll?.(all, performance.now())) ?? assert.fail('it has hitAll')
  }
  const times = async (count: number, key: string, limit: Bucket) => {
    const decisions: Decision[] = []
    for (let i = 0; i < count; i++) decisions.push(await hit(key, limit))
    return decisions
  }

  test('a request and the burst pass at once, and then none', async () => {
    const key = newKey()
    const decisions = await times(5, key, bucket(SLOW, 2))
    assert.deepEqual(allowedOf(decisions), [true, true, true, false, false])
    for (const { delay } of decisions) assert.equal(delay, 0)
    for (const { retryAfter } of decisions.slice(0, 3)) assert.equal(retryAfter, 0)
    for (const { retryAfter } of decisions.slice(3)) assertAbout(retryAfter, PER_REQUEST)
  })

  test('what is asked at once is counted one by one', async () => {
    const key = newKey()
    const decisions = await Promise.all(Array.from({ length: 300 }, () => hit(key, bucket(SLOW, 129))))
    assert.equal(allowedOf(decisions).filter(Boolean).length, 130)
    assert.ok(allowedOf(decisions).lastIndexOf(true) < allowedOf(decisions).indexOf(false), 'in this order')
  })

  test('who waits for retryAfter passes, and what was rejected in between has cost nothing', async () => {
    const key = newKey()
    const limit = bucket(2, 0)
    await hit(key, limit)
    const { allowed, retryAfter } = await hit(key, limit)
    assert.equal(allowed, false)
    assert.ok(retryAfter > 0 && retryAfter <= 500, String(retryAfter))
    await hit(key, limit)
    await pause(retryAfter + 5)
    assert.equal((await hit(key, limit)).allowed, true)
    assert.equal((await hit(key, limit)).allowed, false)
  })

  test('who waits less does not pass', async () => {
    const key = newKey()
    const limit = bucket(0.5, 0)
    const before = performance.now()
    await hit(key, limit)
    await hit(key, limit)
    await pause(200)
    const { allowed } = await hit(key, limit)
    if (performance.now() - before < 1900) assert.equal(allowed, false)
  })

  test('what is above delay waits for its turn', async () => {
    const decisions = await times(5, newKey(), bucket(SLOW, 3, 1))
    assert.deepEqual(allowedOf(decisions), [true, true, true, true, false])
    const [first, second, third = 0, fourth = 0] = decisions.map(({ delay }) => delay)
    assert.deepEqual([first, second], [0, 0])
    assertAbout(third, PER_REQUEST)
    assertAbout(fourth, 2 * PER_REQUEST)
  })

  test('a cost is so many requests at once, of which all pass or none', async () => {
    const key = newKey()
    const limit = bucket(SLOW, 4)
    assert.equal((await hit(key, limit, 3)).allowed, true)
    const dear = await hit(key, limit, 3)
    assert.equal(dear.allowed, false)
    assertAbout(dear.retryAfter, PER_REQUEST)
    assert.equal((await hit(key, limit, 2)).allowed, true)
    assert.equal((await hit(key, limit)).allowed, false)
    assertAbout((await hit(key, limit, 5)).retryAfter, 5 * PER_REQUEST)
  })

  test('what costs more than the bucket holds never passes, and is not counted', async () => {
    const key = newKey()
    const limit = bucket(SLOW, 1)
    assert.deepEqual(await hit(key, limit, 3), {
      allowed: false,
      delay: 0,
      retryAfter: Number.POSITIVE_INFINITY,
    })
    assert.deepEqual(allowedOf(await times(3, key, limit)), [true, true, false])
    assert.equal((await hit(key, limit, 3)).retryAfter, Number.POSITIVE_INFINITY)
  })

  test('the first request may wait too', async () => {
    assertAbout((await hit(newKey(), bucket(SLOW, 3, 0), 3)).delay, 2 * PER_REQUEST)
  })

  test('keys are apart, whatever they are', async () => {
    const own = newKey()
    const long = 'x'.repeat(10_000)
    const keys = ['', ' ', '}', '{', '{}', `{${own}}`, own, `${own} `, `#${own}`, `${long}a`, `${long}b`]
    keys.push('a\r\nb', '\0', '*', 'Š', 'S', '日本', '2001:db8::', '192.0.2.1', '__proto__')
    const limit = bucket(SLOW + (made % 100) / 1e4, 0)
    assert.deepEqual(
      allowedOf(await Promise.all(keys.map(key => hit(key, limit)))),
      keys.map(() => true),
    )
    assert.deepEqual(
      allowedOf(await Promise.all(keys.map(key => hit(key, limit)))),
      keys.map(() => false),
    )
  })

  test('a rate of parts of a thousandth', async () => {
    const key = newKey()
    const limit = { ...bucket(0, 1), rate: 1000 / 86_400 }
    const decisions = await times(3, key, limit)
    assert.deepEqual(allowedOf(decisions), [true, true, false])
    assertAbout(decisions[2]?.retryAfter ?? 0, 86_400_000)
  })

  test('several limits: if one rejects, none counts', async () => {
    const [one, other] = [newKey(), newKey()]
    const wide = bucket(SLOW, 2)
    const tight = bucket(2 * SLOW, 0)
    assert.deepEqual(await hitAll([one, wide], [other, tight]), {
      allowed: true,
      delay: 0,
      retryAfter: 0,
      limit: 0,
    })
    for (let i = 0; i < 3; i++) {
      const { allowed, retryAfter, limit } = await hitAll([one, wide], [other, tight])
      assert.deepEqual([allowed, limit], [false, 1])
      assertAbout(retryAfter, PER_REQUEST / 2)
    }
    assert.deepEqual(allowedOf(await times(3, one, wide)), [true, true, false], 'one of three was counted')
  })

  test('several limits: the one that takes longest decides', async () => {
    const keys = [newKey(), newKey(), newKey()] as const
    const limits = [bucket(SLOW, 2, 0), bucket(2 * SLOW, 2), bucket(SLOW / 2, 2, 0)] as const
    const all = () => hitAll([keys[0], limits[0]], [keys[1], limits[1]], [keys[2], limits[2]])
    assert.equal((await all()).delay, 0)
    const second = await all()
    assert.equal(second.limit, 2)
    assertAbout(second.delay, 2 * PER_REQUEST)
    assert.equal((await all()).allowed, true)
    const rejected = await all()
    assert.deepEqual([rejected.allowed, rejected.limit], [false, 2])
    assertAbout(rejected.retryAfter, 2 * PER_REQUEST)
  })

  test('several limits: each has its cost, and one that is too dear rejects for good', async () => {
    const [one, other] = [newKey(), newKey()]
    const limit = bucket(SLOW, 3)
    const wide = bucket(2 * SLOW, 9)
    assert.equal((await hitAll([one, limit, 3], [other, wide, 8])).allowed, true)
    const never = await hitAll([one, limit], [other, wide, 11])
    assert.deepEqual(never, { allowed: false, delay: 0, retryAfter: Number.POSITIVE_INFINITY, limit: 1 })
    assert.equal((await hitAll([one, limit, 1], [other, wide, 2])).allowed, true)
    const { allowed, limit: place } = await hitAll([one, limit, 1], [other, wide, 1])
    assert.deepEqual([allowed, place], [false, 0])
  })
}
