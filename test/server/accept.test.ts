import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer, type Server } from 'node:http'
import { BlockList } from 'node:net'
import { describe, test } from 'node:test'
import { denyCidr, onDrop, type ProtectOptions, protect, type Rule, unprotect } from '../../lib/index.ts'
import { askAtAccept } from '../../lib/server/phases/admit-at-accept.ts'
import { exchange, get, type RawOptions } from '../support/raw-client.ts'
import { listen, type RunningServer } from '../support/servers.ts'
import { closed, drops, hooks } from '../support/watch.ts'

type Listed = Server & { blockList?: BlockList | undefined }

const BAD = '127.9.0.1'

/** Node asks from 22.13 on; before, the `connection` event is the first that we hear of. */
const asks = Number.parseInt(process.versions.node, 10) >= 22

const fresh = () => createServer((_req, res) => res.end('fine')) as Listed

async function guarded(options: ProtectOptions, where?: string, server = fresh()): Promise<RunningServer> {
  const running = closed(await listen(server, where))
  protect(server, options)
  return running
}

/** How a connection ends: `passed`, or how it was refused. A RST may be there before the client has connected. */
async function ask({ port }: RunningServer, options: Partial<RawOptions> = {}): Promise<string> {
  try {
    const to = { port, localAddress: BAD, ...options }
    const { end, data } = await exchange(to, get('/', { Connection: 'close' }))
    return data.length > 0 ? 'passed' : end
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? 'rst' : String(error)
  }
}

const events = () => drops.events.map(({ rule, action, method }) => `${rule} ${action} ${method}`.trim())

/** Counts the sockets that Node makes for servers of this process. */
async function socketsIn(work: () => Promise<unknown>): Promise<number> {
  let count = 0
  const made = () => {
    count++
  }
  subscribe('net.server.socket', made)
  try {
    await work()
  } finally {
    unsubscribe('net.server.socket', made)
  }
  return count
}

describe('at accept', () => {
  hooks()

  test('a refused address costs no socket, and is one event', async () => {
    const running = await guarded({ rules: [denyCidr([BAD])] })
    assert.equal(await socketsIn(async () => assert.notEqual(await ask(running), 'passed')), asks ? 0 : 1)
    assert.deepEqual(events(), ['denyCidr close'])
    assert.deepEqual([drops.events[0]?.peerAddress, drops.events[0]?.detail], [BAD, BAD])
    assert.equal(await socketsIn(() => ask(running, { localAddress: '127.0.0.1' })), 1)
    assert.equal(drops.events.length, 1)
  })

  test('an address that a dual-stack server sees as mapped', async () => {
    const server = fresh()
    await new Promise<void>(resolve => void server.listen(0, resolve))
    const port = (server.address() as { port: number }).port
    const running = closed({ port, server, close: async () => void server.close() })
    protect(server, { rules: [denyCidr([BAD])] })
    assert.notEqual(await ask(running), 'passed')
    assert.deepEqual([events(), drops.events[0]?.peerAddress], [['denyCidr close'], BAD])
  })

  test('RST waits for the socket, whatever rule comes behind; in front it does not', async () => {
    const hard = denyCidr([BAD], { name: 'hard', reset: true })
    const soft = denyCidr([BAD], { name: 'soft' })
    assert.equal(await ask(await guarded({ rules: [hard, soft] })), 'rst')
    assert.deepEqual(events(), ['hard reset'])
    await ask(await guarded({ rules: [soft, hard] }))
    assert.deepEqual(events(), ['hard reset', 'soft close'])
  })

  test('the question as Node asks it, on a Node that does not too', () => {
    const hard = denyCidr([BAD], { name: 'hard', reset: true })
    const soft = denyCidr([BAD], { name: 'soft' })
    const closes = (rules: Rule[], address: string) => {
      const { blockList } = protect(fresh(), { rules })
      return blockList?.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
    }
    assert.equal(closes([soft, hard], `::ffff:${BAD}`), true)
    assert.equal(closes([hard, soft], BAD), false)
    assert.equal(closes([soft], '127.0.0.1'), false)
    assert.equal(closes([soft], 'no address'), false)
    assert.deepEqual(events(), ['soft close'])
  })

  test('nothing is asked where no rule could be kept by a close', async () => {
    for (const options of [
      {},
      { rules: [denyCidr([BAD], { reset: true })] },
      { rules: [denyCidr([BAD])], dryRun: true },
    ]) {
      const { server } = await guarded(options)
      assert.ok(!Object.hasOwn(server, 'blockList'))
    }
  })

  test('whom protect leaves alone is judged by the request, as the rule has an except of its own', async () => {
    await ask(await guarded({ rules: [denyCidr([BAD])], except: [BAD] }))
    assert.deepEqual(events(), ['denyCidr close GET'])
  })

  test('a trust function that throws: the request is judged', async () => {
    const trustProxy = () => {
      throw new Error('of the trust function')
    }
    const running = await guarded({ rules: [denyCidr([BAD])], trustProxy })
    assert.notEqual(await ask(running), 'passed')
    assert.deepEqual(events(), ['denyCidr close GET'])
  })

  test('a listener of events that throws', async () => {
    const stop = onDrop(() => {
      throw new Error('of the listener')
    })
    const running = await guarded({ rules: [denyCidr([BAD])] })
    for (let i = 0; i < 3; i++) assert.notEqual(await ask(running), 'passed')
    stop()
    assert.deepEqual(events(), Array(3).fill('denyCidr close'))
  })

  test('without the guard all is as it was', async () => {
    const running = await guarded({ rules: [denyCidr([BAD])] })
    const { server } = running
    const { blockList } = server as Listed
    unprotect(server)
    assert.ok(!Object.hasOwn(server, 'blockList'))
    // Who kept ours gets no verdict of a guard that is off.
    assert.equal(blockList?.check(BAD, 'ipv4'), false)
    assert.equal(await ask(running), 'passed')
    protect(server, { rules: [denyCidr([BAD])] })
    assert.notEqual(await ask(running), 'passed')
    assert.deepEqual(events(), ['denyCidr close'])
  })
})

describe("the app's own blockList", () => {
  hooks()

  const listed = () => {
    const list = new BlockList()
    list.addAddress('127.9.0.2')
    return Object.assign(fresh(), { blockList: list })
  }

  test('is asked too, says nothing to us, and can be added to', async () => {
    const server = listed()
    const { blockList } = server
    const running = await guarded({ rules: [denyCidr([BAD])] }, undefined, server)
    assert.equal((await ask(running, { localAddress: '127.9.0.2' })) === 'passed', !asks)
    assert.notEqual(await ask(running), 'passed')
    assert.deepEqual(events(), ['denyCidr close'])
    assert.ok(server.blockList instanceof BlockList)
    server.blockList.addAddress('127.9.0.3')
    assert.equal((await ask(running, { localAddress: '127.9.0.3' })) === 'passed', !asks)
    unprotect(server)
    assert.equal(server.blockList, blockList)
    assert.equal(blockList.check('127.9.0.3'), true)
  })

  test('put over ours, it is alone: the rule judges the connection', async () => {
    const running = await guarded({ rules: [denyCidr([BAD])] })
    const server = running.server as Listed
    server.blockList = new BlockList()
    const mine = server.blockList
    assert.notEqual(await ask(running), 'passed')
    assert.deepEqual(events(), ['denyCidr close'])
    unprotect(server)
    assert.equal(server.blockList, mine)
  })

  test('is asked first', () => {
    const asked: string[] = []
    const list = (name: string, answer: boolean) => ({
      check: (address: string) => asked.push(`${name} ${address}`) > 0 && answer,
    })
    for (const theirs of [true, false]) {
      const server = { blockList: list('theirs', theirs) } as unknown as Parameters<typeof askAtAccept>[0]
      askAtAccept(server, address => asked.push(`ours ${address}`) > 0)
      assert.equal(server.blockList?.check('192.0.2.1', 'ipv4'), true)
    }
    assert.deepEqual(asked, ['theirs 192.0.2.1', 'theirs 192.0.2.1', 'ours 192.0.2.1'])
  })
})
