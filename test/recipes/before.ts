import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import morgan from 'morgan'
import { pinoHttp } from 'pino-http'
import { settle } from '../support/events.ts'
import { exchange, get } from '../support/raw-client.ts'
import { type Block, recipes, soon } from './harness.ts'
import type { Change } from './recipe.ts'

/** What stands before rules in an app of Connect's kind: loggers, and who comes back to the response later. */
function watchers() {
  const lines: string[] = []
  const seen: string[] = []
  const stream = new PassThrough().on('data', chunk => lines.push(String(chunk).trim()))
  const late = (req: IncomingMessage, res: ServerResponse, next: () => void) => {
    for (const event of ['finish', 'close']) res.on(event, () => seen.push(`${event} ${req.url}`))
    setTimeout(() => {
      if (!res.headersSent) res.writeHead(503).end('too late')
    }, 30)
    next()
  }
  const middlewares = [morgan(':url :status', { stream }), pinoHttp({}, stream), late]
  return { lines, seen, middlewares }
}

/** Loggers and timers before mounted rules: each logs the drop as 444, and nobody trips over what is left. */
export function beforeRules(block: Block, create: string): void {
  describe(`${block.name}, behind loggers and timers`, () => {
    const { start, told } = recipes()
    const use: Change = [create, `${create}\nfor (const use of globalThis.recipe.middlewares) app.use(use)`]

    test('a drop is logged once by each as 444', async () => {
      const { lines, seen, middlewares } = watchers()
      const { port } = await start({ ...block, hooks: { middlewares } }, use)
      assert.equal((await exchange({ port }, get('/wp-login.php'))).wireBytes, 0)
      assert.ok(await soon(() => lines.length >= 2))
      await exchange({ port }, get('/', { Connection: 'close' }))
      await settle(60)
      const morgans = lines.filter(line => !line.startsWith('{'))
      const pinos = lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line).res.statusCode)
      assert.deepEqual(morgans, ['/wp-login.php 444', '/ 200'])
      assert.deepEqual(pinos, [444, 200])
      assert.deepEqual(seen, ['close /wp-login.php', 'finish /', 'close /'])
      assert.deepEqual(told(), ['pathAllowlist: unlisted-path'])
    })
  })
}
