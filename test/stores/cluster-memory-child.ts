import cluster from 'node:cluster'
import { ClusterMemoryStorePrimary, ClusterMemoryStoreWorker } from '@express-rate-limit/cluster-memory-store'
import { fromExpressRateLimit } from '../../lib/index.ts'

const bucket = { rate: 83, burst: 0, delay: Number.POSITIVE_INFINITY }

/** Two workers ask for one key ten times each: the primary writes how many passed of each. */
function runPrimary(): void {
  new ClusterMemoryStorePrimary().init()
  const passed: number[] = []
  for (let i = 0; i < 2; i++) cluster.fork()
  cluster.on('message', (worker, message) => {
    if (typeof message?.passed !== 'number') return
    passed.push(message.passed)
    worker.kill()
    if (passed.length === 2) console.log(JSON.stringify(passed))
  })
}

async function runWorker(): Promise<void> {
  const store = fromExpressRateLimit(new ClusterMemoryStoreWorker({ prefix: 'test' }))
  let passed = 0
  for (let i = 0; i < 10; i++) passed += (await store.hit('a', bucket, 0)).allowed ? 1 : 0
  process.send?.({ passed })
}

if (cluster.isPrimary) runPrimary()
else await runWorker()
