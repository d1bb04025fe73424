import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { after, before } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Input, packets } from './corpus/load.ts'
import type { CpuKind, Ports } from './cpu-servers.ts'

export const SIZE = 65_536
/** Times to measure again: other work on the machine makes the same work take longer. */
const ROUNDS = 40
/** What `protect` may add: as a part of what Node itself takes, or else in ms: 0.3, and what a busy machine adds to that. */
const PART = 1.5
const MORE = 0.4
/** What a connection of one request takes a server without `protect`, in ms, on the machine that these limits are of. */
const ONE = 0.45

let server: ChildProcess
let ports: Ports
/** How much longer all takes on this machine, as it is now. Where that is so, a write takes even longer beside the rest. */
let slowness = 1

/** To be called once in a file: starts the servers. */
export function cpuServers(): void {
  before(async () => {
    const script = fileURLToPath(new URL('cpu-servers.ts', import.meta.url))
    server = fork(script, [], { execArgv: process.execArgv.filter(arg => !arg.startsWith('--test')) })
    ports = (await once(server, 'message'))[0] as Ports
    const one = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const costs: number[] = []
    for (let i = 0; i < 2 * ROUNDS; i++) costs.push(await cost(ports.http[0], [one]))
    slowness = Math.max(1, median(costs) / ONE)
  })
  after(() => server.disconnect())
}

export const skip = existsSync('/proc/self/schedstat')
  ? false
  : 'the kernel does not tell what a process uses'

/** What the main thread of the servers has used of the processor, in ms. */
const used = () => Number(readFileSync(`/proc/${server.pid}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e6

/** Sends bytes and FIN, and waits until the server has done with the connection. */
async function send(port: number, sent: readonly Buffer[]): Promise<void> {
  const client = connect({ port, host: '127.0.0.1', noDelay: true })
  client.on('error', () => {}).on('data', () => {})
  const closed = new Promise(resolve => client.once('close', resolve))
  await new Promise(resolve => client.once('connect', resolve))
  for (const packet of sent) {
    if (client.destroyed) break
    client.write(packet)
    if (sent.length > 1) await new Promise(resolve => setImmediate(resolve))
  }
  client.end()
  await Promise.race([closed, sleep(5_000, undefined, { ref: false })])
  client.destroy()
}

/** Connections one after the other: what wakes up for each alone finds nothing of its code in the caches. */
const BATCH = 4

/** What bytes take of the server's processor, in ms a connection. */
async function cost(port: number, sent: readonly Buffer[]): Promise<number> {
  const start = used()
  for (let i = 0; i < BATCH; i++) await send(port, sent)
  for (let last = -1, same = 0, now = used(); same < 2; now = used()) {
    same = now === last ? same + 1 : 0
    last = now
    await sleep(4)
  }
  return (used() - start) / BATCH
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number

/**
 * Says how much more a guarded server takes, where that stays more than it may be. The two are measured by turns, as other work
 * on the machine may make both take twice as long for a while.
 */
async function excess(name: string, kind: CpuKind, sent: readonly Buffer[]): Promise<string[]> {
  const [bare, guarded] = ports[kind]
  const pairs: (readonly [without: number, withIt: number])[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const first = await cost(i % 2 ? guarded : bare, sent)
    const second = await cost(i % 2 ? bare : guarded, sent)
    pairs.push(i % 2 ? [second, first] : [first, second])
    const part = median(pairs.map(([without, withIt]) => withIt / without))
    if (
      part <= PART * Math.min(slowness, 1.3) ||
      median(pairs.map(([without, withIt]) => withIt - without)) <= MORE * slowness
    )
      return []
  }
  const [without, withIt] = [0, 1].map(which => median(pairs.map(pair => pair[which] as number)).toFixed(2))
  return [
    `${name} on ${kind}: ${without} ms without protect, ${withIt} ms with it, on a machine ${slowness.toFixed(1)} times as slow`,
  ]
}

/** As often as fits, in one packet or more of the kernel's making. */
function filled(input: Input): Buffer[] {
  const one = Buffer.concat(packets(input).filter(packet => typeof packet !== 'number'))
  const many = Buffer.concat(Array.from({ length: Math.ceil(SIZE / one.length) }, () => one))
  return [many.subarray(0, Math.max(SIZE, one.length))]
}

/** CI measures a part of the corpus on further Nodes. */
const EVERY = process.env.DROP444_SAMPLE ? 10 : 1

export async function assertInputs(inputs: readonly Input[], kind: CpuKind): Promise<void> {
  const wrong: string[] = []
  for (const [index, input] of inputs.entries()) {
    if (index % EVERY === 0) wrong.push(...(await excess(input.name, kind, filled(input))))
  }
  assert.deepEqual(wrong, [])
}

export async function assertBytes(all: Readonly<Record<string, string | string[]>>): Promise<void> {
  const wrong: string[] = []
  for (const [name, text] of Object.entries(all)) {
    const sent = [text].flat().map(packet => Buffer.from(packet, 'latin1'))
    wrong.push(...(await excess(name, 'http', sent)))
  }
  assert.deepEqual(wrong, [])
}
