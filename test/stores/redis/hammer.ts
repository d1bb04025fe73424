/** One of several processes that ask for the same keys as often as they can. Arguments: port, milliseconds, lists of hits. */
import { once } from 'node:events'
import { createClient } from 'redis'
import { redisStore } from '../../../lib/redis.ts'
import type { Hit } from '../../../lib/stores.ts'
import { spyOn } from './spy.ts'

/** What a process saw of one list; times are Redis's. */
export interface Hammered {
  readonly asked: number
  readonly admitted: number
  readonly first: number
  readonly last: number
  /** When something was rejected last. */
  readonly rejected: number
}

const [port, ms, json = '[]'] = process.argv.slice(2)
const lists: Hit[][] = JSON.parse(json, (name, value) =>
  // JSON has no Infinity.
  name === 'bucket' ? { ...value, delay: Number.POSITIVE_INFINITY } : value,
)
const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect()

async function hammer(hits: readonly Hit[]): Promise<Hammered> {
  const spy = spyOn((...command) => client.sendCommand(command))
  const store = redisStore({ sendCommand: spy.sendCommand })
  const [{ key, bucket }] = hits as [Hit]
  let [asked, admitted] = [0, 0]
  const until = performance.now() + Number(ms)
  async function ask(): Promise<void> {
    while (performance.now() < until) {
      asked++
      const { allowed } = await (hits.length === 1 ? store.hit(key, bucket, 0) : store.hitAll(hits, 0))
      if (allowed) admitted++
      // What is known to be rejected is answered at once: others want their turn, and Redis's replies to be read.
      if (asked % 20 === 0) await new Promise(resolve => setImmediate(resolve))
    }
  }
  await Promise.all([ask(), ask(), ask()])
  const [first = 0] = spy.times
  return { asked, admitted, first, last: spy.times.at(-1) ?? 0, rejected: spy.rejections.at(-1) ?? 0 }
}

process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdout.write(`${JSON.stringify(await Promise.all(lists.map(hammer)))}\n`)
client.destroy()
process.stdin.destroy()
