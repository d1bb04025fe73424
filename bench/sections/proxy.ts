import { requireTool } from '../../test/support/tools.ts'
import { launch, type Program } from '../servers/launch.ts'
import type { Answers, Load } from '../servers/proxy-client.ts'
import {
  candidates,
  checkRound,
  FORBIDDEN,
  HAND_OFF,
  harmedOf,
  NGINX,
  type Proxied,
  startProxied,
  sumOf,
} from '../support/proxied.ts'
import {
  atLeast,
  atMost,
  type Context,
  figure,
  type Result,
  type Row,
  type Section,
  type Table,
} from '../support/section.ts'
import { medianOf, spreadOf } from '../support/spread.ts'

interface Round extends Answers {
  /** Of unwanted and visitors. */
  readonly sent: number
  /** What reached the pair. */
  readonly requests: number
  readonly connections: number
}

interface Server extends Proxied {
  readonly rounds: Round[]
}

const PER_SECOND = 'requests/s'
const PER_THOUSAND = 'of 1,000 requests'
const PER_THOUSAND_REACHED = 'per 1,000 of these'

/** Throws where a candidate answers otherwise than it should. */
async function visit(client: Program<unknown>, server: Server, milliseconds: number): Promise<void> {
  const before = await server.counts()
  const load: Load = { port: server.port, milliseconds }
  const answers = await client.ask<Answers>(load)
  const after = await server.counts()
  const requests = after.requests - before.requests
  checkRound(server.candidate, answers, requests)
  const sent = sumOf(answers.unwanted) + sumOf(answers.visitors)
  server.rounds.push({ ...answers, sent, requests, connections: after.connections - before.connections })
}

async function measure(context: Context, client: Program<unknown>, servers: readonly Server[]) {
  const [milliseconds, warmUp, least] = context.quick ? [300, 100, 1] : [1000, 500, 5]
  for (const server of servers) {
    context.progress(server.candidate.name)
    await visit(client, server, warmUp)
    server.rounds.length = 0
  }
  const end = performance.now() + context.budgetMs
  for (let round = 0; round < least || performance.now() < end; round++) {
    context.progress(`round ${round + 1}`)
    const first = round % servers.length
    for (const server of [...servers.slice(first), ...servers.slice(0, first)])
      await visit(client, server, milliseconds)
  }
}

const totalOf = ({ rounds }: Server, of: (round: Round) => number) =>
  rounds.reduce((sum, round) => sum + of(round), 0)
const perSecond = ({ sent, milliseconds }: Round) => (1000 * sent) / milliseconds
const bytesEach = ({ unwanted }: Round) => unwanted.bytes / sumOf(unwanted)
const visitorsOf = ({ visitors }: Round) => sumOf(visitors)

/** Of all rounds, as a connection that ends after 1,000 requests falls into one of them; undefined where none reached Node. */
function openedBy(server: Server): number | undefined {
  const reached = totalOf(server, ({ requests }) => requests)
  return reached === 0 ? undefined : (1000 * totalOf(server, ({ connections }) => connections)) / reached
}

function openedRow(server: Server): Row {
  const opened = openedBy(server)
  const row = { candidate: server.candidate.name, at: 'connections opened', unit: PER_THOUSAND_REACHED }
  if (opened === undefined) return { ...row, skipped: 'no request reached Node' }
  return figure(row.candidate, row.at, row.unit, opened)
}

function tablesOf(servers: readonly Server[]): Table[] {
  const spread = (at: string, unit: string, of: (round: Round) => number) => (server: Server) => ({
    ...{ candidate: server.candidate.name, at, unit },
    ...spreadOf(server.rounds.map(of)),
  })
  const pairs = servers.filter(({ candidate }) => candidate.name !== NGINX)
  const reached = spread('reach Node', PER_THOUSAND, round => (1000 * round.requests) / round.sent)
  return [
    {
      title: 'Requests through nginx, nine of ten unwanted: closed or answered',
      rows: servers.map(spread('by nginx or Node', PER_SECOND, perSecond)),
    },
    {
      title: 'Visitors who got anything but 200',
      rows: servers.map(server =>
        figure(
          server.candidate.name,
          `of ${totalOf(server, visitorsOf).toLocaleString('en')} visitors`,
          'harmed',
          totalOf(server, harmedOf),
        ),
      ),
    },
    {
      title: 'What an unwanted client gets',
      rows: servers.map(spread('answer with its head', 'bytes', bytesEach)),
    },
    {
      title: 'What nginx asks of the two Nodes',
      rows: pairs.flatMap((server): Row[] => [reached(server), openedRow(server)]),
    },
  ]
}

function targetsOf(servers: readonly Server[]) {
  const of = (name: string) => servers.find(({ candidate }) => candidate.name === name)
  const [ours, forbidden] = [of(HAND_OFF), of(FORBIDDEN)]
  /** The median over rounds: what slows a whole round cancels out. */
  const ratios = ours?.rounds.map((round, i) => perSecond(round) / perSecond(forbidden?.rounds[i] as Round))
  return [
    atMost('visitors harmed by a hand-off', 0, ours && totalOf(ours, harmedOf), 'visitors'),
    atMost('bytes that its client gets', 0, ours && totalOf(ours, bytesEach), 'bytes'),
    atMost('connections that nginx opens to Node', 5, ours && openedBy(ours), 'per 1,000 requests'),
    atLeast('requests a second, against status: 403', 0.95, ratios && medianOf(ratios)),
  ]
}

const notes = [
  "Each candidate has an nginx and two Nodes of its own, all settings of failure are nginx's own (max_fails=1, " +
    'fail_timeout=10s, proxy_next_upstream error timeout), and keepalive is 16. Eight clients at a time, each request on a ' +
    'connection of its own, one in ten a visitor.',
  "A closed connection is a failure for nginx: with handOff: 'close' it tries the other Node, marks both as failed, and " +
    'answers whatever comes with 502 for 10 s. Its requests/s is that of an nginx which answers 502: the last table says ' +
    'how few of them reach Node.',
  'The rest answers alike to each try, or the section fails: a hand-off with one harmed visitor or one byte is no result.',
  'Client, nginx and both Nodes (one process) share the machine. nginx is one process, without access log. Connections that ' +
    'were opened while warming up are not counted; nginx itself ends one after 1,000 requests.',
]

/** Of a machine without nginx. */
const withoutNginx = (skipped: string): Result => ({
  tables: [
    {
      title: 'Requests through nginx',
      rows: candidates.map(({ name }) => ({
        candidate: name,
        at: 'by nginx or Node',
        unit: PER_SECOND,
        skipped,
      })),
    },
  ],
  ...{ targets: targetsOf([]), agreement: [], notes },
})

async function run(context: Context): Promise<Result> {
  const missing = requireTool('nginx')
  if (missing) return withoutNginx(missing)
  const servers: Server[] = []
  const client = await launch('proxy-client')
  try {
    for (const candidate of candidates) servers.push({ ...(await startProxied(candidate)), rounds: [] })
    await measure(context, client, servers)
  } finally {
    await client.close()
    for (const { close } of servers) await close()
  }
  return {
    ...{ tables: tablesOf(servers), targets: targetsOf(servers), notes },
    agreement: [
      {
        at: 'who is silent, who answers what, and what reaches Node',
        probes: servers.reduce((sum, server) => sum + totalOf(server, ({ sent }) => sent), 0),
        candidates: servers.map(({ candidate }) => candidate.name),
      },
    ],
  }
}

export const section: Section = { name: 'proxy', title: 'A drop through nginx', budgetMs: 26_000, run }
