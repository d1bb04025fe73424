import { browserPaths, dropLog, pathAllowlist, protect } from 'drop444'
import express from 'express'

const app = express()
// The proxy is on this machine: it is told of a drop and closes the client's connection itself.
app.set('trust proxy', 'loopback')
const rules = [pathAllowlist([...browserPaths, '/', '/orders/**', '/healthz'])]
app.use(rules)

app.get('/', (_req, res) => void res.send('<h1>Home</h1>\n'))
app.get('/orders/:id', (req, res) => void res.json({ order: req.params.id }))
app.get('/healthz', (_req, res) => void res.send('ok\n'))

dropLog(process.stdout)
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
// The proxies' own checks, which ask without an agent, pass every rule. Idle connections of the proxies are kept longer than they
// keep them.
protect(server, { rules, healthCheck: '/healthz' })
