/* A server of one tier, that refuses whoever connects. Argument: the tier. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import express, { type RequestHandler } from 'express'
import { rateLimit as peerRateLimit } from 'express-rate-limit'
import { denyCidr, protect } from '../../lib/index.ts'
import { clients, fiveRules, ranges } from './rules.ts'

const refused = () => denyCidr([...ranges(1000), clients])

function expressWith(...middlewares: RequestHandler[]): Server {
  const app = express()
  for (const middleware of middlewares) app.use(middleware)
  app.use((_req, res) => void res.end('fine'))
  return createServer(app)
}

const fine: RequestListener = (_req, res) => void res.end('fine')

const tiers: Record<string, () => Server> = {
  accept: () => protect(createServer(fine), { rules: [refused()] }),
  // With a list of the app's own in the place of ours, Node 22 asks nothing of us at accept either.
  connection: () => Object.assign(tiers.accept?.() as Server, { blockList: undefined }),
  'before Express': () => protect(expressWith(), { rules: fiveRules() }),
  middleware: () => expressWith(refused() as RequestHandler),
  'request listener': () => createServer(req => void req.socket.destroy()),
  '403 close': () => expressWith((_req, res) => void res.set('Connection', 'close').sendStatus(403)),
  '403 keep-alive': () => expressWith((_req, res) => void res.sendStatus(403)),
  429: () => expressWith(peerRateLimit({ limit: 0, windowMs: 3_600_000, validate: false })),
}

const server = tiers[process.argv[2] as string]?.() as Server
server.listen(0, '127.0.0.1', 511, () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.once('disconnect', () => process.exit())
