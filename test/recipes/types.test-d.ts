import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { createAdaptorServer, type Http2Bindings, type HttpBindings, serve } from '@hono/node-server'
import type { MiddlewareConsumer } from '@nestjs/common'
import type { NestExpressApplication } from '@nestjs/platform-express'
import connect from 'connect'
import { expectTypeOf } from 'expect-type'
import type { RequestHandler } from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import type { Server as SocketServer } from 'socket.io'
import { drop444, type ProtectOptions, protect, type Rule } from '../../lib/index.ts'

// Checked by the compiler alone; nothing here runs. What the pages say beside their blocks, without a cast.

const guard: Rule = drop444({ badAgent: true })
const options: ProtectOptions = { rules: [guard] }
const tls = { key: '', cert: '' }

/* Express. The types of 4 are not installed here: their handler returns void, and its `next` is Connect's and one more. */
type Handler4 = (
  req: IncomingMessage & { params: Record<string, string>; res?: ServerResponse; app: object },
  res: ServerResponse & { locals: Record<string, unknown>; app: object },
  next: connect.NextFunction & ((deferToNext: 'router' | 'route') => void),
) => void
expectTypeOf<Rule>().toExtend<RequestHandler>()
expectTypeOf<Rule>().toExtend<Handler4>()

/* Connect's types know only http. */
expectTypeOf<Rule>().toExtend<connect.NextHandleFunction>()
protect(https.createServer(tls, connect().use(guard)), options)
// @ts-expect-error
http2.createServer(connect())

/* Koa */
const koa = new Koa()
koa.use(async ctx => {
  guard(ctx.req, ctx.res, error => ctx.onerror(error as Error))
})
protect(http2.createSecureServer(tls, koa.callback()), options)
expectTypeOf(protect(koa.listen(0), options)).toEqualTypeOf<http.Server>()

/* Fastify: the requests of HTTP/1 and those of HTTP/2. */
async function hooked(app: Pick<FastifyInstance, 'addHook'>) {
  app.addHook('onRequest', async (request, reply) => {
    await new Promise<void>((resolve, reject) => {
      guard(request.raw, reply.raw, error => (error ? reject(error) : resolve()))
    })
  })
}
void hooked(fastify())
const secure = fastify({ http2: true, https: tls })
secure.addHook('onRequest', async (request, reply) => {
  guard(request.raw, reply.raw, () => reply.hijack())
})
expectTypeOf(protect(secure.server, options)).toEqualTypeOf<http2.Http2SecureServer>()
fastify({ serverFactory: handler => protect(http.createServer(handler), options) })

/* Hono */
new Hono<{ Bindings: HttpBindings | Http2Bindings }>().use(async (c, next) => {
  guard(c.env.incoming, c.env.outgoing, () => void next())
})
const { fetch } = new Hono()
protect(serve({ fetch }), options)
protect(createAdaptorServer({ fetch, createServer: http2.createSecureServer, serverOptions: tls }), options)

/* NestJS */
declare const nest: NestExpressApplication
declare const consumer: MiddlewareConsumer
nest.set('trust proxy', 'loopback')
nest.use(guard).use('/login', guard)
consumer.apply(guard).forRoutes('{*splat}')
protect(nest.getHttpServer(), options)

/* Socket.IO */
declare const io: SocketServer
io.engine.use(guard)
