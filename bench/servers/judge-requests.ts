/*
 * Rules and peers on requests that are made up: no kernel, no parser. Arguments: how many rounds, and how many milliseconds
 * a candidate has in each. Sends nanoseconds of processor time a request, of each
 * candidate and round: what the machine gives to others in between does not count.
 */
import { EventEmitter } from 'node:events'
import { Writable } from 'node:stream'
import { IpFilter } from 'express-ipfilter'
import { rateLimit as peerRateLimit } from 'express-rate-limit'
import { isbot } from 'isbot'
import browsers from 'top-user-agents'
import { dropLog, type Next, type Request, type Response } from '../../lib/index.ts'
import { packTexts, textAt } from '../support/texts.ts'
import { fiveRules, host, paths, ranges, refusedPath } from './rules.ts'

type Middleware = (req: Request, res: Response, next: Next) => unknown

const addresses = packTexts(Array.from({ length: 1000 }, (_, i) => `11.22.${i >>> 8}.${i & 255}`))
const [urls, agents, hosts] = [packTexts(paths), packTexts(browsers), packTexts([host])]

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string
  /** What its client calls itself, in each of its requests. */
  readonly agent: number
  destroyed = false
  constructor(i: number) {
    super()
    this.remoteAddress = textAt(addresses, i % addresses.count)
    this.agent = i % agents.count
  }
  destroy() {
    this.destroyed = true
  }
}

/** As many connections are open, and as many requests come on each. */
const [OPEN, KEPT] = [64, 16]
const sockets: FakeSocket[] = []

/** The next connection in turn. Each is another one after some requests. */
function socketFor(i: number): FakeSocket {
  const place = i % OPEN
  if (Math.floor(i / OPEN) % KEPT === 0 || !sockets[place]) {
    sockets[place] = new FakeSocket(i)
  }
  return sockets[place] as FakeSocket
}

/** All its strings are new, as the parser's are. */
function requestOf(i: number): Request {
  const socket = socketFor(i)
  const authority = textAt(hosts, 0)
  const agent = textAt(agents, socket.agent)
  return {
    method: 'GET',
    httpVersion: '1.1',
    httpVersionMajor: 1,
    complete: true,
    url: textAt(urls, i % urls.count),
    headers: { host: authority, 'user-agent': agent, accept: '*/*' },
    rawHeaders: ['Host', authority, 'User-Agent', agent, 'Accept', '*/*'],
    socket,
    // What Express adds, for the peers.
    ip: socket.remoteAddress,
  } as unknown as Request
}

const nothing = () => {}

const responseTo = ({ socket }: Request): Response =>
  ({
    headersSent: false,
    statusCode: 200,
    setHeader: nothing,
    append: nothing,
    writeHead: nothing,
    socket,
  }) as unknown as Response

interface Candidate {
  readonly name: string
  readonly middlewares: readonly Middleware[]
  readonly awaited?: boolean
  readonly isLogged?: boolean
}

const limiter = peerRateLimit({ limit: 1e9, windowMs: 3_600_000, validate: false })
const candidates: readonly Candidate[] = [
  { name: 'no-op', middlewares: [(_req, _res, next) => next()] },
  { name: 'drop444, five rules', middlewares: fiveRules() },
  { name: 'drop444, five rules, dropLog on', middlewares: fiveRules(), isLogged: true },
  {
    name: 'isbot alone',
    middlewares: [(req, _res, next) => isbot(req.headers['user-agent'] as string) || next()],
  },
  { name: 'express-rate-limit alone', middlewares: [limiter as unknown as Middleware], awaited: true },
  {
    name: 'express-ipfilter alone, 10 networks',
    middlewares: [IpFilter(ranges(10), { log: false }) as unknown as Middleware],
  },
]

type Batch = (from: number, calls: number) => number | Promise<number>

/** What was made last. Else the engine sees that a no-op needs no request, and makes none. */
const kept: { req?: Request; res?: Response } = {}

/** The loop that is timed, with code of its own for each candidate: what the engine learns of one says nothing of another. */
function batchOf({ middlewares, awaited }: Candidate, id: number): Batch {
  const call = (_: unknown, n: number) => `${awaited ? 'await ' : ''}judges[${n}](req, res, next)`
  const source = `
    let passed = 0
    const next = error => { if (!error) passed++ }
    return ${awaited ? 'async ' : ''}function batch${id}(from, calls) {
      passed = 0
      for (let i = from; i < from + calls; i++) {
        const req = kept.req = requestOf(i)
        const res = kept.res = responseTo(req)
        ${middlewares.map(call).join('\n')}
      }
      return passed
    }`
  const scope = { judges: middlewares, requestOf, responseTo, kept }
  return new Function(...Object.keys(scope), source)(...Object.values(scope))
}

/** How many of the five let it pass. */
function passes(change: Partial<Request>): number {
  let count = 0
  for (const judge of fiveRules()) {
    const req = Object.assign(requestOf(0), { socket: new FakeSocket(0) }, change)
    judge(req, responseTo(req), () => count++)
  }
  return count
}

function checkRules(): void {
  const headers = { host, 'user-agent': 'curl/8.0' }
  const wrongs = { url: refusedPath, headers, rawHeaders: ['Host', 'example.net'] }
  const [all, ...others] = [
    passes({}),
    ...Object.entries(wrongs).map(([key, value]) => passes({ [key]: value })),
  ]
  if (all !== 5 || others.some(count => count !== 4)) throw new Error(`the rules let pass ${all}, ${others}`)
}

checkRules()
const [rounds = 1, milliseconds = 1] = process.argv.slice(2).map(Number)
const runners = candidates.map((candidate, id) => ({
  ...{ candidate, calls: 100, ns: [] as number[] },
  run: batchOf(candidate, id),
}))
const log = new Writable({ write: (_chunk, _encoding, done) => done() })

/** The first rounds are the engine's to learn, and ours how many calls fill the time. */
const LEARNING = 6
let at = 0
for (let round = -LEARNING; round < rounds; round++) {
  for (const runner of runners) {
    const { candidate, calls, run, ns } = runner
    const stop = candidate.isLogged ? dropLog(log) : nothing
    const before = process.cpuUsage()
    const passed = await run(at, calls)
    const { user, system } = process.cpuUsage(before)
    const spent = (user + system) / 1000
    stop()
    at += calls
    if (passed !== calls * candidate.middlewares.length)
      throw new Error(`${candidate.name} let pass ${passed}`)
    if (round >= 0) ns.push((spent * 1e6) / calls)
    else runner.calls = Math.ceil(calls * Math.min(20, milliseconds / spent))
  }
}
process.send?.(runners.map(({ candidate: { name }, ns }) => ({ name, ns })))
process.disconnect?.()
