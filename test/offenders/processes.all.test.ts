import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, describe, test } from 'node:test'
import { settle } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { requireTool } from '../support/tools.ts'

const children: ChildProcess[] = []
let redis: Redis | undefined

/** A server in a process of its own. */
class Server {
  readonly child: ChildProcess
  readonly port: number

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  static async start(url: string): Promise<Server> {
    const file = new URL('server-child.ts', import.meta.url)
    const child = fork(file, [url], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    children.push(child)
    const [port] = await once(child, 'message')
    return new Server(child, port as number)
  }

  /** The bytes of the answer, on the wire. */
  async ask(path: string, localAddress: string): Promise<number> {
    const bytes = get(path, { Connection: 'close' })
    return (await exchange({ port: this.port, localAddress }, bytes)).wireBytes
  }

  /** Whether within a second, and what a busy machine needs on top, it knows of just these bans. */
  async learns(bans: readonly string[]): Promise<boolean> {
    for (let tries = 0; tries < 25; tries++) {
      if (String(await this.list()) === String(bans)) return true
      await settle(100)
    }
    return false
  }

  async list(message: { lift?: string } = {}): Promise<string[]> {
    const answer = once(this.child, 'message')
    this.child.send(message)
    return (await answer)[0]
  }
}

describe('a fleet of servers', { skip: requireTool('redis-server') }, () => {
  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    await redis?.close()
  })

  test('counts together, bans together, survives a kill -9, and lifts together', async () => {
    redis = await startRedis()
    const { url } = redis
    const servers = await Promise.all([1, 2, 3, 4].map(() => Server.start(url)))
    const [first, second] = servers as [Server, Server]
    const [bad, good] = ['127.0.0.66', '127.0.0.1']
    for (let i = 0; i < 20; i++) assert.ok((await (servers[i % 4] as Server).ask('/nothing', bad)) > 0)
    await settle(1_000)
    for (const server of servers) assert.deepEqual(await server.list(), [])
    assert.ok((await first.ask('/nothing', bad)) > 0)
    for (const server of servers) {
      assert.ok(await server.learns([bad]))
      assert.equal(await server.ask('/', bad), 0)
      assert.ok((await server.ask('/', good)) > 0)
    }
    first.child.kill('SIGKILL')
    const again = await Server.start(url)
    assert.equal(await again.ask('/', bad), 0)
    assert.deepEqual(await second.list({ lift: bad }), [])
    for (const server of [second, again]) {
      assert.ok(await server.learns([]))
      assert.ok((await server.ask('/', bad)) > 0)
    }
  })
})
