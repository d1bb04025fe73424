/* A server that answers. Argument: its kind. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import express, { type RequestHandler } from 'express'
import { IpFilter } from 'express-ipfilter'
import { rateLimit as peerRateLimit } from 'express-rate-limit'
import { isbot } from 'isbot'
import { protect, type Rule } from '../../lib/index.ts'
import { fiveRules, ranges } from './rules.ts'

const fine: RequestListener = (_req, res) => void res.end('fine')

function expressWith(...middlewares: RequestHandler[]): Server {
  const app = express()
  for (const middleware of middlewares) app.use(middleware)
  app.use(fine)
  return createServer(app)
}

/** Bare Node, with the rules before what answers. */
function nodeWith(...rules: Rule[]): Server {
  const judge = (index: number): RequestListener => {
    const rule = rules[index]
    if (!rule) return fine
    const next = judge(index + 1)
    return (req, res) => rule(req, res, error => (error ? res.destroy(error as Error) : next(req, res)))
  }
  return createServer(judge(0))
}

const noBots: RequestHandler = (req, res, next) => {
  if (isbot(req.headers['user-agent'])) res.sendStatus(403)
  else next()
}

const kinds: Record<string, () => Server> = {
  node: () => createServer(fine),
  'node, five rules': () => nodeWith(...fiveRules()),
  'node, protect': () => protect(createServer(fine), { rules: fiveRules() }),
  express: () => expressWith(),
  'express, five rules': () => expressWith(...(fiveRules() as RequestHandler[])),
  'express, peers': () =>
    expressWith(
      IpFilter(ranges(10), { log: false }),
      noBots,
      peerRateLimit({ limit: 1e9, windowMs: 3_600_000, validate: false }),
    ),
}

const server = kinds[process.argv[2] as string]?.() as Server
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.once('disconnect', () => process.exit())
