import { badAgent, denyCidr, dropLog, noHost, pathAllowlist, rateLimit } from 'drop444'
import express from 'express'

const app = express()
app.use(noHost({ serverNames: ['localhost'] }))
app.use('/denied', denyCidr(['loopback']))
app.use(badAgent())
app.use(pathAllowlist(['/', '/login', '/denied']))
app.use('/login', rateLimit({ rate: '1r/m' }))
app.use((req, res) => res.end('passed'))

dropLog(process.stdout)
const server = app.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`))
