import { once } from 'node:events'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { knownRoutes, noHost, onDrop, pathAllowlist, type RoutedApp, rateLimit } from '../../lib/index.ts'
import { type AnyApp, goOn } from '../routes/express-apps.ts'
import { exchange, get } from '../support/raw-client.ts'

/*
 * A site that is traced by real packages. Arguments: the fixture, and the tracing. Prints one line of JSON: the warnings, the
 * first line of each answer by path, what handlers of the site saw, and the names of the spans.
 */
const [fixture, tracing] = process.argv.slice(2) as [string, string]
const load = createRequire(new URL(`${fixture}/package.json`, import.meta.url))
const transport = () => ({ send: async () => ({}), flush: async () => true })
const sentryOptions = { dsn: 'http://key@127.0.0.1:9/1', tracesSampleRate: 1, transport }

interface Traced {
  /** Called with the app before anything is mounted. */
  start(app: AnyApp): void
  spans(): string[]
}

const tracers: Record<string, () => Traced> = {
  opentelemetry() {
    const { InMemorySpanExporter, SimpleSpanProcessor } = load('@opentelemetry/sdk-trace-base')
    const { NodeTracerProvider } = load('@opentelemetry/sdk-trace-node')
    const { registerInstrumentations } = load('@opentelemetry/instrumentation')
    const { ExpressInstrumentation } = load('@opentelemetry/instrumentation-express')
    const { HttpInstrumentation } = load('@opentelemetry/instrumentation-http')
    const exporter = new InMemorySpanExporter()
    new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
    registerInstrumentations({ instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()] })
    const names = () => exporter.getFinishedSpans().map(({ name }: { name: string }) => name)
    return { start() {}, spans: names }
  },
  sentry() {
    load('sentry').init(sentryOptions)
    return { start() {}, spans: () => [] }
  },
  sentry7() {
    const { Handlers, Integrations, init } = load('sentry7')
    const start = (app: AnyApp) => {
      init({ ...sentryOptions, integrations: [new Integrations.Express({ app })] })
      app.use(Handlers.requestHandler())
      app.use(Handlers.tracingHandler())
    }
    return { start, spans: () => [] }
  },
}

const tracer = (tracers[tracing] as () => Traced)()
// Loaded behind the tracing, which changes what it exports.
const express = load('express') as (() => AnyApp) & { Router(): AnyApp; static(root: string): unknown }

const warnings: string[] = []
process.on('warning', warning => {
  const { code, message } = warning as Error & { code?: string }
  if (code?.startsWith('DROP444')) warnings.push(`${code} ${message}`)
})
onDrop(() => {})

const seen: string[] = []
const answer = (_req: unknown, res: { end(text: string): void }) => res.end('served')
/** A handler of the site's, which must hear of nobody's request. */
const note = (req: { url: string }, _res: unknown, next: () => void) => {
  seen.push(req.url)
  next()
}

const app = express()
tracer.start(app)
app.use(noHost())
app.use(pathAllowlist(knownRoutes(app as unknown as RoutedApp)))
app.use('/login', rateLimit({ rate: '10r/s' }))
app.get('/login', answer)
const [sub, deep, router, atRoot] = [express(), express(), express.Router(), express.Router()]
sub.use(note)
sub.get('/users', answer)
deep.get('/d', note, answer)
sub.use('/deep', deep)
router.use(note)
router.get('/r', answer)
atRoot.get('/root', answer)
app.use('/guarded', goOn)
app.get('/guarded/x', answer)
app.use('/admin', sub)
app.use('/api', router)
app.use(atRoot)

const server = (app as unknown as { listen(port: number, host: string): Server }).listen(0, '127.0.0.1')
await once(server, 'listening')
await new Promise(resolve => setTimeout(resolve, 20))
const atListen = [...warnings]
const { port } = server.address() as AddressInfo
const answers: Record<string, string> = {}
for (const path of ['/login', '/admin/users', '/admin/deep/d', '/api/r', '/root', '/guarded/x', '/none']) {
  const { data } = await exchange({ port }, get(path, { Connection: 'close' }))
  answers[path] = data.toString('latin1').split('\r\n')[0] ?? ''
}
const { data } = await exchange({ port }, 'GET /login HTTP/1.1\r\n\r\n')
answers['no Host'] = data.toString('latin1').split('\r\n')[0] ?? ''
await new Promise(resolve => setTimeout(resolve, 50))
process.stdout.write(`${JSON.stringify({ atListen, warnings, answers, seen, spans: tracer.spans() })}\n`)
process.exit(0)
