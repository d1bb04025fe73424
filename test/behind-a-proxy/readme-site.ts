import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Express } from 'express'
import { type Change, type Running, runBlock } from '../recipes/recipe.ts'
import { codeBlocks, page } from '../support/docs.ts'
import type { Backends } from './backends.ts'
import { bodyOf, echoOf } from './site.ts'

/** As the pages on proxies say; the clients of these tests have other loopback addresses. */
export const TRUST: Change = [
  'const app = express()\n',
  "const app = express()\napp.set('trust proxy', '127.0.0.1/32')\n",
]

const ROUTES: Change = ['dropLog(', 'globalThis.recipe.routes(app)\ndropLog(']

export interface ReadmeSite extends Backends {
  readonly servers: readonly Server[]
  /** Health checks that were answered. */
  readonly checks: { answered: number }
  /** Lines of its 444 log. */
  lines(): string[]
}

/** Two servers, each README's first block, word by word; `changes` are what a page on a proxy has beside it. */
export async function startReadme(changes: readonly Change[] = [TRUST]): Promise<ReadmeSite> {
  const [block = ''] = codeBlocks(page('README.md'), 'ts')
  const names = ['first', 'second']
  const running: Running[] = []
  const connections = { opened: 0, ended: 0 }
  const checks = { answered: 0 }

  for (const name of names) {
    const routes = (app: Express) => {
      app.get('/', (_req, res) => void res.send(name))
      app.get('/users/:id', (req, res) => void res.send(`user ${req.params.id}`))
      app.post('/orders/:id', async (req, res) => void res.send(echoOf(req.params.id, await bodyOf(req))))
    }
    const one = await runBlock(block, [...changes, ROUTES], { routes })
    for (const server of one.servers) {
      server.on('connection', socket => {
        connections.opened++
        socket.once('close', () => connections.ended++)
      })
      server.on('request', ({ url }: IncomingMessage, res: ServerResponse) => {
        // README's own page has answered by now.
        if (url === '/healthz' && res.writableEnded && res.statusCode === 200) checks.answered++
      })
    }
    running.push(one)
  }

  const [first, second] = running.map(({ port }) => `127.0.0.1:${port}`) as [string, string]
  return {
    names,
    addresses: [first, second],
    connections,
    checks,
    servers: running.flatMap(one => one.servers as readonly Server[]),
    lines: () => running.flatMap(one => one.lines()),
    async close() {
      for (const one of running) await one.close()
    },
  }
}
