import { once } from 'node:events'
import { createServer } from 'node:net'
import { freePort } from './ports.ts'
import { type Redis, redisCli, startRedis } from './redis.ts'

const SLOTS = 16_384
/** A node's second port, for the other nodes, is this much above its own: not all ports have one. */
const BUS = 10_000

/** Nodes of a Redis Cluster, each a master of a third of the slots. */
export interface RedisCluster {
  readonly nodes: readonly Redis[]
  readonly ports: readonly number[]
  /** The node that has this key. */
  nodeOf(key: string): Redis
  close(): Promise<void>
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1')
  const isOurs = await once(probe, 'listening').then(
    () => true,
    () => false,
  )
  probe.close()
  return isOurs
}

async function freeClusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    const low = port > 65_535 - BUS ? port - BUS : port
    if ((await isFree(low)) && (await isFree(low + BUS))) return low
  }
}

/** Starts three nodes on loopback and waits until each knows that all slots are served. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes: Redis[] = []
  const close = async () => void (await Promise.all(nodes.map(node => node.close())))
  try {
    for (let i = 0; i < 3; i++) {
      const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '5000']
      nodes.push(await startRedis({ args, port: await freeClusterPort() }))
    }
    for (const [i, node] of nodes.entries()) {
      const from = Math.floor((i * SLOTS) / 3)
      const to = Math.floor(((i + 1) * SLOTS) / 3) - 1
      node.cli('cluster', 'addslotsrange', String(from), String(to))
      // Without epochs of their own they would first have to agree on some.
      node.cli('cluster', 'set-config-epoch', String(i + 1))
    }
    for (const { port } of nodes.slice(1)) nodes[0]?.cli('cluster', 'meet', '127.0.0.1', String(port))
    for (let tries = 0; !nodes.every(isReady); tries++) {
      if (tries === 200) throw new Error(`no cluster: ${nodes[0]?.cli('cluster', 'nodes')}`)
      await pause(50)
    }
  } catch (error) {
    await close()
    throw error
  }
  return {
    nodes,
    ports: nodes.map(({ port }) => port),
    nodeOf(key) {
      const slot = Number(nodes[0]?.cli('cluster', 'keyslot', key))
      return nodes[Math.min(2, Math.floor((slot * 3 + 2) / SLOTS))] as Redis
    },
    close,
  }
}

function isReady({ port }: Redis): boolean {
  const info = redisCli(port, 'cluster', 'info')
  return /cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info)
}
