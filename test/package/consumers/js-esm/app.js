import { badAgent, denyCidr, dropLog, noHost, pathAllowlist, rateLimit } from 'drop444'
import { djangoRoutes } from 'drop444/django'
import { redisStore } from 'drop444/redis'
import express from 'express'

// No Redis: it counts in memory.
const store = redisStore({ sendCommand: () => Promise.reject(new Error('no Redis')) })
const app = express()
app.use(noHost({ serverNames: ['localhost'] }))
app.use('/denied', denyCidr(['loopback']))
app.use(badAgent())
app.use(pathAllowlist(['/', '/denied', djangoRoutes(['login'])]))
app.use('/login', rateLimit({ rate: '1r/m', store }))
app.use((req, res) => res.end('passed'))

dropLog(process.stdout)
const server = app.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`))
