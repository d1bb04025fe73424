import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import connect from 'connect'
import {
  badAgent,
  type DropEvent,
  denyCidr,
  dropLog,
  noHost,
  onDrop,
  pathAllowlist,
  type RateLimitOptions,
  rateLimit,
  rule,
} from 'drop444'
import { type DjangoRoute, djangoRoutes } from 'drop444/django'
import { type RedisStoreOptions, redisStore } from 'drop444/redis'
import type { OffenderStore, RateLimitStore } from 'drop444/stores'
import express from 'express'

// No Redis: it counts in memory.
const redis: RedisStoreOptions = { sendCommand: () => Promise.reject(new Error('no Redis')) }
const store = redisStore(redis)
export const parts: [RateLimitStore, OffenderStore] = [store, store.offenders]
const limit: RateLimitOptions = { rate: '1r/m', store }
const routes: DjangoRoute[] = ['login']
const app = express()
app.use(noHost({ serverNames: ['localhost'] }))
app.use('/denied', denyCidr(['loopback']))
app.use(badAgent())
app.use(pathAllowlist(['/', '/denied', djangoRoutes(routes)]))
app.use('/login', rateLimit(limit))
app.use(
  rule('no-body', req => {
    if (req.headers['content-length'] !== undefined) return { reason: 'body' }
    return undefined
  }),
)
app.get('/', noHost(), (_req, res) => {
  res.end('passed')
})
app.use((_req, res) => {
  res.end('passed')
})

dropLog(process.stdout)
onDrop((event: DropEvent) => event.rule.toUpperCase())
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`)
})

// The other servers, for their types.
const guard = noHost()
connect().use(guard).use('/login', rateLimit(limit))
http.createServer((req, res) => guard(req, res, () => res.end()))
http2.createServer((req, res) => guard(req, res, () => res.end()))
