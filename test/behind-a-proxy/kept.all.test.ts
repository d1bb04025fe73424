import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { apache } from '../support/proxies/apache.ts'
import { caddy } from '../support/proxies/caddy.ts'
import { haproxy } from '../support/proxies/haproxy.ts'
import { inARow, innerNginx } from '../support/proxies/inner.ts'
import { nginx } from '../support/proxies/nginx.ts'
import type { ProxyKind, RunningProxy } from '../support/proxies/proxy.ts'
import { requireTool } from '../support/tools.ts'
import { type ReadmeSite, startReadme } from './readme-site.ts'
import { echoOf } from './site.ts'
import { ask } from './thousands.ts'

/** What Node is told, in ms. It adds a second. */
const SHORT = 20
/** So long nobody asks between two rounds, in ms: the proxy's connections are idle until about when Node would end them. */
const GAP = SHORT + 990
const ROUNDS = 16
const AT_ONCE = 16

const kinds: readonly ProxyKind[] = [nginx, haproxy, caddy, apache, inARow(nginx, innerNginx)]
const missing = kinds.map(({ tool }) => requireTool(tool)).find(Boolean) ?? false
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/*
 * A proxy that sends a request into a connection as Node ends it answers 502, and can't ask again where the request is a POST.
 * Node's own limit is made short here. In real life it is five seconds, and the proxies' a minute or two.
 */
describe('uploads over connections that were idle for as long as Node would keep them', {
  skip: missing,
}, () => {
  let site: ReadmeSite
  const proxies: [ProxyKind, RunningProxy][] = []
  before(async () => {
    site = await startReadme()
    for (const server of site.servers) server.keepAliveTimeout = SHORT
    for (const kind of kinds) proxies.push([kind, await kind.start({ upstreams: site.addresses })])
  })
  after(async () => {
    for (const [, proxy] of proxies) await proxy.close()
    await site.close()
  })

  test(`${kinds.length * ROUNDS * AT_ONCE} of them, 0 fail`, async () => {
    const failed: string[] = []
    async function upload(name: string, port: number, id: string): Promise<void> {
      const body = [Buffer.from(id), Buffer.from(`${id} `.repeat(20))]
      const answer = await ask(port, `/orders/${id}`, { body }).catch(String)
      const isRight = typeof answer === 'object' && answer.body === echoOf(id, Buffer.concat(body))
      if (!isRight) failed.push(`${name} ${id}: ${JSON.stringify(answer).slice(0, 100)}`)
    }
    async function rounds(name: string, port: number): Promise<void> {
      for (let round = 0; round < ROUNDS; round++) {
        const gap = GAP - 40 + round * 8
        const each = Array.from({ length: AT_ONCE }, async (_, i) => {
          await pause(i * 2)
          await upload(name, port, `r${round}-${i}`)
        })
        await Promise.all(each)
        await pause(gap)
      }
    }
    await Promise.all(proxies.map(([{ name }, { port }]) => rounds(name, port)))
    assert.deepEqual([failed.length, failed.slice(0, 10)], [0, []])
  })
})
