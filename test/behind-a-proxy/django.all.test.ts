import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Django, startDjango } from '../../examples/django-gateway/django.ts'
import { createGateway } from '../../examples/django-gateway/gateway.ts'
import { requireDjango } from '../support/django.ts'
import { collectDrops } from '../support/events.ts'
import { nginx } from '../support/proxies/nginx.ts'
import { exchange } from '../support/raw-client.ts'
import { listen, type RunningServer } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { ATTACKER } from './setup.ts'
import { ask, assertServed, assertSilent, thousands, type Visit } from './thousands.ts'

const host = 'localhost'

/** A page, or an upload that comes slowly and that Django refuses for want of a token. */
const visit: Visit = async (port, i, agent) => {
  const isPost = i % 4 === 1
  const body = isPost ? ['item=', `${i}`.repeat(300), '&end=1'].map(text => Buffer.from(text)) : []
  const path = isPost ? '/login/' : '/about/'
  const answer = await ask(port, path, { ...(agent ? { agent } : {}), body, host }).catch(String)
  const isRight =
    typeof answer === 'object' &&
    (isPost ? answer.status === 403 && answer.body.includes('CSRF') : answer.status === 200)
  return isRight ? undefined : `${path} ${JSON.stringify(answer).slice(0, 200)}`
}

describe('the gateway before Django: 1,000 visits beside 1,000 drops', { skip: requireDjango() }, () => {
  let django: Django
  const gateways: RunningServer[] = []
  before(async () => {
    django = await startDjango()
    for (const proxy of [undefined, '127.0.0.1/32', '127.0.0.1/32']) {
      const options = { django: django.port, serverNames: [host], routes: django.routes, proxy }
      gateways.push(await listen(createGateway(options)))
    }
  })
  after(async () => {
    for (const gateway of gateways) await gateway.close()
    await django.close()
  })

  async function run(port: number, action: string): Promise<void> {
    const drops = collectDrops()
    const { failed, attacks } = await thousands(port, { host, visit })
    drops.stop()
    assertServed(failed)
    // Node alone resets a connection where more of an upload comes.
    assertSilent(attacks, 'fin', ...(action === 'close' ? (['rst'] as const) : []))
    const who = drops.events.map(event => `${event.action} ${event.clientAddress}`)
    assert.deepEqual([who.length, ...new Set(who)], [attacks.length, `${action} ${ATTACKER}`])
  }

  test('alone', () => run(gateways[0]?.port ?? 0, 'close'))

  test('behind nginx', { skip: requireTool('nginx') }, async t => {
    const [, first, second] = gateways.map(({ port }) => `127.0.0.1:${port}`)
    const proxy = await nginx.start({ upstreams: [first as string, second as string] })
    t.after(() => proxy.close())
    await run(proxy.port, 'hand-off')
  })

  test('a health check of a container runtime is answered, a stranger who asks for it is not', async () => {
    const port = gateways[1]?.port ?? 0
    const check = (field: string) =>
      `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n${field}Connection: close\r\n\r\n`
    const own = await exchange({ port }, check(''), 20_000)
    assert.match(own.data.toString(), /^HTTP\/1\.1 200 [\s\S]*ok\n$/)
    const passedOn = await exchange({ port }, check('X-Forwarded-For: 203.0.113.9\r\n'), 20_000)
    assert.match(passedOn.data.toString(), /^HTTP\/1\.1 444 /)
  })
})
