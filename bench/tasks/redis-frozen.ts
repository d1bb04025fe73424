/*
 * What becomes of decisions when Redis stands still (SIGSTOP): the longest that one took, in milliseconds, and how many a second
 * there are from then on; null where there is none within a second. Arguments: the limiter, the client, milliseconds.
 */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { onStoreChange } from '../../lib/events/store-outages.ts'
import { GuardedStore } from '../../lib/stores/guarded/guarded-store.ts'
import { startRedis } from '../../test/support/redis.ts'
import { keyOf } from '../data/limiters.ts'
import {
  bucketOf,
  type ClientName,
  type Connection,
  connect,
  limiterOn,
  MINUTE,
  OURS,
  ourStore,
} from '../data/redis-limiters.ts'

const [limiter = '', client = '', duration = ''] = process.argv.slice(2)

/** As rateLimit asks it: with the guard's timeout of 50 ms, and memory to fall back on. */
function guarded(connection: Connection) {
  const store = new GuardedStore(ourStore(connection), { name: 'bench' })
  const bucket = bucketOf(MINUTE)
  return (key: string) => store.hit(key, bucket, performance.now())
}

// It is meant to go down.
onStoreChange(() => {})
const redis = await startRedis()
const connection = await connect(client as ClientName, redis.url)
const { decide: peer } = limiterOn(limiter, connection, MINUTE)
const decide = limiter === OURS ? guarded(connection) : 'text' in peer ? peer.text : undefined
if (!decide) throw new Error(`${limiter} takes no key`)

const seen = { asked: 0, decided: 0, longest: 0, ends: false }

async function askInTurn(ask: (key: string) => unknown) {
  while (!seen.ends) {
    const start = performance.now()
    await ask(keyOf(seen.asked++))
    seen.longest = Math.max(seen.longest, performance.now() - start)
    // As requests do, which come from the network: what is answered at once would keep the timers waiting.
    if (++seen.decided % 64 === 0) await turn()
  }
}

/** What is still waited for when all is over fails as the connection ends. */
const untilTheEnd = (error: unknown) => {
  if (!seen.ends) throw error
}

for (let i = 0; i < 32; i++) askInTurn(decide).catch(untilTheEnd)
await pause(200)
redis.signal('SIGSTOP')
seen.longest = 0
await pause(200)
const before = seen.decided
const start = performance.now()
await pause(Number(duration))
const perSecond = (1000 * (seen.decided - before)) / (performance.now() - start)
seen.ends = true
console.log(JSON.stringify(perSecond > 0 ? { longest: seen.longest, perSecond } : null))
connection.close()
await redis.close()
process.exit()
