const { badAgent, denyCidr, dropLog, noHost, pathAllowlist, rateLimit } = require('drop444')
const { djangoRoutes } = require('drop444/django')
const { redisStore } = require('drop444/redis')
const express = require('express')

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
