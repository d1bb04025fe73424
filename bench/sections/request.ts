import { cpuOf, launch, type Program } from '../servers/launch.ts'
import type { Answers, Load } from '../servers/load-client.ts'
import { Disagreement } from '../support/agree.ts'
import { atLeast, atMost, type Context, type Result, type Row, type Section } from '../support/section.ts'
import { medianOf, spreadOf } from '../support/spread.ts'

const medianOver = (a: readonly number[], b: readonly number[], combine: (a: number, b: number) => number) =>
  medianOf(a.map((value, round) => combine(value, b[round] as number)))

/** In one process, no network: what the rules cost beside a middleware that does nothing. */
async function inProcess(context: Context): Promise<Pick<Required<Result>, 'tables' | 'targets'>> {
  context.progress('in process')
  const [rounds, milliseconds] = context.quick ? [1, 5] : [25, 60]
  type Timed = { name: string; ns: number[] }[]
  const { ready, close } = await launch<Timed>('judge-requests', [String(rounds), String(milliseconds)])
  await close()
  const of = (name: string) => ready.find(timed => timed.name === name)?.ns as number[]
  const over = (name: string) => medianOver(of(name), of('no-op'), (a, b) => (a - b) / 1000)
  const rows = ready.map(({ name, ns }) => ({
    ...{ candidate: name, at: 'in process', unit: 'µs' },
    ...spreadOf(ns.map(value => value / 1000)),
  }))
  return {
    tables: [{ title: 'A request that passes, with the making of it: in one process', rows }],
    targets: [
      atMost('five rules, over a no-op', 0.6, over('drop444, five rules'), 'µs'),
      atMost('five rules with dropLog on, over a no-op', 0.6, over('drop444, five rules, dropLog on'), 'µs'),
    ],
  }
}

const NODE = 'Node'
const RULES = 'Node, five rules of drop444'
const GUARDED = 'Node, five rules of drop444 by protect'
const EXPRESS = 'Express'
const OURS = 'Express, five rules of drop444'
const PEERS = 'Express, express-ipfilter (10) + isbot + express-rate-limit'

/** What `answer-server` calls them. */
const kinds: Record<string, string> = {
  [NODE]: 'node',
  [RULES]: 'node, five rules',
  [GUARDED]: 'node, protect',
  [EXPRESS]: 'express',
  [OURS]: 'express, five rules',
  [PEERS]: 'express, peers',
}

interface Server {
  readonly name: string
  readonly program: Program<{ port: number }>
  readonly perSecond: number[]
  /** Processor time of the server, in µs a request. */
  readonly cpu: number[]
}

async function load(client: Program<unknown>, { name, program, perSecond, cpu }: Server, seconds: number) {
  const before = cpuOf(program.pid)
  const question: Load = { port: program.ready.port, seconds }
  const { requests, wrong, ...answers } = await client.ask<Answers>(question)
  if (wrong > 0 || requests === 0)
    throw new Disagreement(`${name}: ${wrong} of ${requests + wrong} not answered with 200`)
  perSecond.push(answers.perSecond)
  cpu.push((cpuOf(program.pid) - before) / 1000 / requests)
}

async function throughput(
  context: Context,
): Promise<Pick<Required<Result>, 'tables' | 'targets' | 'agreement'>> {
  const client = await launch('load-client')
  const servers: Server[] = []
  try {
    for (const [name, kind] of Object.entries(kinds)) {
      servers.push({ name, program: await launch('answer-server', [kind]), perSecond: [], cpu: [] })
    }
    for (const server of servers) {
      context.progress(`${server.name}, warming up`)
      await load(client, server, 1)
      server.perSecond.length = server.cpu.length = 0
    }
    const [seconds, least] = context.quick ? [1, 1] : [2, 5]
    const end = performance.now() + context.budgetMs
    for (let round = 0; round < least || performance.now() < end; round++) {
      context.progress(`round ${round + 1}`)
      const first = round % servers.length
      for (const server of [...servers.slice(first), ...servers.slice(0, first)])
        await load(client, server, seconds)
    }
  } finally {
    await client.close()
    for (const { program } of servers) await program.close()
  }
  const of = (name: string) => servers.find(server => server.name === name) as Server
  const ratio = (a: string, b: string) => medianOver(of(a).perSecond, of(b).perSecond, (x, y) => x / y)
  const rowsOf = (at: string, unit: string, values: (server: Server) => number[]): Row[] =>
    servers.map(server => ({ candidate: server.name, at, unit, ...spreadOf(values(server)) }))
  const costs = rowsOf('processor time of the server', 'µs a request', ({ cpu }) => cpu)
  return {
    tables: [
      {
        title: 'Throughput, 8 kept-alive connections',
        rows: rowsOf('throughput', 'requests/s', each => each.perSecond),
      },
      { title: 'What a request costs the server, kernel and all', rows: costs },
    ],
    targets: [
      atLeast('Node with five rules against Node alone', 0.95, ratio(RULES, NODE)),
      atLeast('Node with five rules against Express with the peers', 3, ratio(GUARDED, PEERS)),
      atLeast('Express with five rules against Express with the peers', 3, ratio(OURS, PEERS)),
    ],
    agreement: [
      {
        at: 'every request is answered with 200',
        probes: servers.length,
        candidates: servers.map(({ name }) => name),
      },
    ],
  }
}

async function run(context: Context): Promise<Result> {
  const judged = await inProcess(context)
  const served = await throughput(context)
  return {
    tables: [...judged.tables, ...served.tables],
    targets: [...judged.targets, ...served.targets],
    agreement: served.agreement,
    notes: [
      'The five rules: noHost with two names, denyCidr with 1,000 networks, rateLimit, badAgent with 650 patterns, pathAllowlist ' +
        'with 100 globs. All requests pass all of them.',
      'protect does more than run the rules: it takes requests in turn, and keeps time. Its row says what that costs.',
      'In process every string of a request is new, 64 connections are open at a time, and each brings 16 requests of one ' +
        'client, which calls itself the same in each. The no-op ' +
        'pays for the making of the request too: what counts is the difference.',
      'Throughput is limited by the client where the server is quick: then processor time tells more. Express itself costs more ' +
        'than the five rules: two rows that both pay for Express are nearer to each other.',
    ],
  }
}

export const section: Section = { name: 'request', title: 'A request that passes', budgetMs: 65_000, run }
