import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Bucket, Hit } from '../../../lib/stores.ts'
import { type Redis, startRedis } from '../../support/redis.ts'
import { requireTool } from '../../support/tools.ts'
import { bucket } from '../contract.ts'
import type { Hammered } from './hammer.ts'

const PROCESSES = 8

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}

/** What each process saw of each list of hits. */
async function hammer(port: number, ms: number, lists: readonly (readonly Hit[])[]): Promise<Hammered[][]> {
  const file = fileURLToPath(new URL('./hammer.ts', import.meta.url))
  const args = ['--import', 'tsx', file, String(port), String(ms), JSON.stringify(lists)]
  const children = Array.from({ length: PROCESSES }, () =>
    spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  try {
    const lines = children.map(({ stdout }) => createInterface({ input: stdout })[Symbol.asyncIterator]())
    for (const line of lines) assert.equal((await line.next()).value, 'ready')
    for (const { stdin } of children) stdin.write('go\n')
    return await Promise.all(lines.map(async line => JSON.parse((await line.next()).value)))
  } finally {
    await Promise.all(children.map(end))
  }
}

/** What a bucket that is asked all the time has let through after so many milliseconds. */
const admittedAfter = ({ rate, burst }: Bucket, ms: number) =>
  1 + Math.floor((burst + (rate * ms) / 1000) / 1000)

const cases: readonly (readonly [name: string, hits: Hit[], tightest: Bucket])[] = [
  [
    'one limit: what one zone of nginx admits, within one request',
    [{ key: 'a', bucket: bucket(50, 100) }],
    bucket(50, 100),
  ],
  [
    'several limits: what the tightest admits',
    [
      { key: 'b', bucket: bucket(200, 900) },
      { key: 'b', bucket: bucket(40, 80) },
      { key: 'network of b', bucket: bucket(60, 400) },
    ],
    bucket(40, 80),
  ],
]

describe('eight processes hammer one key', { skip: requireTool('redis-server') }, () => {
  let redis: Redis
  let seen: Hammered[][]
  before(async () => {
    redis = await startRedis()
    seen = await hammer(
      redis.port,
      1500,
      cases.map(([, hits]) => hits),
    )
  })
  after(() => redis?.close())

  for (const [i, [name, , tightest]] of cases.entries()) {
    test(name, () => {
      const each = seen.map(lists => lists[i] as Hammered)
      const admitted = each.reduce((sum, { admitted }) => sum + admitted, 0)
      const start = Math.min(...each.map(({ first }) => first))
      const most = admittedAfter(tightest, Math.max(...each.map(({ last }) => last)) - start)
      // When one was rejected nothing was left over.
      const least = admittedAfter(tightest, Math.max(...each.map(({ rejected }) => rejected)) - start) - 1
      assert.ok(admitted <= most && admitted >= least, `${admitted}, not ${least} to ${most}`)
      assert.ok(least > 1 + tightest.burst / 1000, 'more than the burst')
      for (const { asked } of each) assert.ok(asked > 50, String(asked))
    })
  }
})
