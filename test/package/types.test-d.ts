import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { HandleFunction, NextHandleFunction } from 'connect'
import connect from 'connect'
import { expectTypeOf } from 'expect-type'
import type { RequestHandler } from 'express'
import express from 'express'
import type { Logger as PinoLogger } from 'pino'
import type { Logger as WinstonLogger } from 'winston'
import {
  type AddressOptions,
  allowCidr,
  type BadAgentOptions,
  badAgent,
  browserPaths,
  type CommonOptions,
  cidrSet,
  type DropAction,
  type DropEvent,
  type DropInfo,
  type DropLog,
  denyCidr,
  drop,
  drop444,
  dropLog,
  MemoryStore,
  methodAllowlist,
  type NoHostOptions,
  noHost,
  type OptionsError,
  type OptionsErrorCode,
  onDrop,
  type PathAllowlistOptions,
  pathAllowlist,
  type RateLimitOptions,
  type RateLimitStore,
  Reason,
  type Request,
  type Response,
  type Rule,
  rateLimit,
  rule,
  scannerAgents,
  type TrustProxy,
} from '../../lib/index.ts'

// Checked by the compiler alone; nothing here runs.

/* A rule is a middleware of every framework, without a cast. */
expectTypeOf<Rule>().toExtend<RequestHandler>()
expectTypeOf<Rule>().toExtend<HandleFunction>()
expectTypeOf<Rule>().toExtend<NextHandleFunction>()
express()
  .use(noHost())
  .use('/admin', allowCidr(['192.0.2.1']))
express().get('/', badAgent(), (_req, res) => {
  res.end()
})
express().use(express.Router().use(rateLimit({ rate: '1r/s' })))
connect()
  .use(noHost())
  .use('/admin', allowCidr(['192.0.2.1']))
http.createServer((req, res) => noHost()(req, res, () => res.end()))
https.createServer((req, res) => noHost()(req, res, () => res.end()))
http2.createServer((req, res) => noHost()(req, res, () => res.end()))
http2.createSecureServer((req, res) => noHost()(req, res, () => res.end()))
http.createServer(req => drop(req))
express().get('/', req => drop(req))

/* Factories. */
const factories = [
  noHost,
  denyCidr,
  allowCidr,
  badAgent,
  pathAllowlist,
  methodAllowlist,
  rateLimit,
  rule,
  drop444,
]
expectTypeOf<ReturnType<(typeof factories)[number]>>().toEqualTypeOf<Rule>()
expectTypeOf(noHost).parameter(0).toEqualTypeOf<NoHostOptions | undefined>()
expectTypeOf(denyCidr).parameter(1).toEqualTypeOf<AddressOptions | undefined>()
expectTypeOf(badAgent).parameter(0).toEqualTypeOf<BadAgentOptions | undefined>()
expectTypeOf(pathAllowlist).parameter(1).toEqualTypeOf<PathAllowlistOptions | undefined>()
expectTypeOf(rateLimit).parameter(0).toEqualTypeOf<RateLimitOptions>()
expectTypeOf(drop).parameter(1).toEqualTypeOf<DropInfo | undefined>()
// @ts-expect-error options are required
rateLimit()
// From a configuration file it is any string: checked at start.
rateLimit({ rate: process.env.RATE ?? '10r/s' })
// @ts-expect-error a misspelt option
noHost({ serverName: ['example.com'] })
// @ts-expect-error no number
noHost({ status: '404' })
// @ts-expect-error no list at all
pathAllowlist()

/* Common options are every factory's. */
for (const options of [{}] as CommonOptions[]) {
  noHost(options)
  denyCidr([], options)
  badAgent(options)
  pathAllowlist([], options)
  methodAllowlist([], options)
  rateLimit({ rate: '1r/s', ...options })
  rule('mine', () => undefined, options)
}
expectTypeOf<CommonOptions['status']>().toEqualTypeOf<number | undefined>()
expectTypeOf<CommonOptions['http2']>().toEqualTypeOf<number | 'goaway' | 'destroy' | 'stream' | undefined>()
expectTypeOf<CommonOptions['handOff']>().toEqualTypeOf<number | 'close' | undefined>()
expectTypeOf<string[]>().toExtend<TrustProxy>()
noHost({ trustProxy: express().get('trust proxy fn'), skip: async req => req.url === '/health' })
noHost({ status: 404, handler: (_req, res) => res.end('no') })

/* Lists may be frozen, and sets. */
pathAllowlist([...browserPaths, /^\/x$/] as const)
denyCidr(new Set(['192.0.2.1']))
denyCidr(await cidrSet(['192.0.2.1']), { except: await cidrSet([]) })
drop444({ denyCidr: await cidrSet([]), allowCidr: { list: await cidrSet([]) } })
badAgent({ patterns: [...scannerAgents, /x/, { pattern: 'y' }], allow: [{ pattern: 'z' }] as const })
drop444({ noHost: true, badAgent: { empty: false }, denyCidr: ['192.0.2.1'], dryRun: true })

/* A judge may return what it likes, or promise it; it may name the types of Express. */
rule('none', () => {})
rule('chain', req => req.url?.endsWith('.php') && 'php-path')
rule('later', async () => ({ reason: 'later', detail: 'x', retryAfter: 5 }))
rule('express', (req: express.Request) => req.ip === undefined)
// @ts-expect-error a number is no judgement
rule('number', () => 5)

/* Events. */
expectTypeOf<DropEvent['action']>().toEqualTypeOf<DropAction>()
expectTypeOf<DropAction>().toEqualTypeOf<'close' | 'reset' | 'goaway' | 'hand-off' | 'respond' | 'dry-run'>()
expectTypeOf<DropEvent>().toEqualTypeOf<Readonly<DropEvent>>()
expectTypeOf<keyof DropEvent>().toEqualTypeOf<
  | 'time'
  | 'status'
  | 'sentStatus'
  | 'action'
  | 'rule'
  | 'reason'
  | 'detail'
  | 'bodyBytesSent'
  | 'clientAddress'
  | 'peerAddress'
  | 'remoteUser'
  | 'method'
  | 'url'
  | 'httpVersion'
  | 'host'
  | 'referer'
  | 'userAgent'
  | 'requestLine'
>()
expectTypeOf(onDrop).toBeCallableWith((event: DropEvent) => void event.rule)
expectTypeOf(onDrop).returns.toEqualTypeOf<() => void>()
expectTypeOf<'no-host'>().toExtend<Reason>()
expectTypeOf(Reason.UNLISTED_PATH).toEqualTypeOf<'unlisted-path'>()

/* Logs: streams, pino, winston, console as they are. */
expectTypeOf(dropLog).returns.toEqualTypeOf<DropLog>()
expectTypeOf<DropLog>().toExtend<() => void>()
expectTypeOf<DropLog['lost']>().toBeNumber()
dropLog()
dropLog(process.stderr, { format: 'json', maxBuffer: 1 })
dropLog(console, { format: event => (event.rule === 'noHost' ? undefined : event.url) })
dropLog({} as PinoLogger, { level: 'warn' })
dropLog({} as WinstonLogger)
// @ts-expect-error no such format
dropLog(process.stdout, { format: 'common' })

/* Stores and errors. */
expectTypeOf<MemoryStore>().toExtend<RateLimitStore>()
rateLimit({ rate: '1r/s', store: new MemoryStore(10), key: async () => 'key' })
expectTypeOf<OptionsError>().toExtend<Error>()
expectTypeOf<OptionsError['code']>().toEqualTypeOf<OptionsErrorCode>()

/* Requests and responses are Node's. */
expectTypeOf<http.IncomingMessage>().toExtend<Request>()
expectTypeOf<http2.Http2ServerRequest>().toExtend<Request>()
expectTypeOf<express.Request>().toExtend<Request>()
expectTypeOf<http.ServerResponse>().toExtend<Response>()
expectTypeOf<http2.Http2ServerResponse>().toExtend<Response>()
expectTypeOf<express.Response>().toExtend<Response>()
