import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createClient } from 'redis'
import { protect } from '../../lib/index.ts'
import { redisStore } from '../../lib/redis.ts'
import { repeatOffender } from '../../lib/rules/repeat-offender.ts'

/** One process of a fleet: told on IPC what to do, it answers with what it knows. */
const client = createClient({ url: process.argv[2] as string })
client.on('error', () => {})
await client.connect()
const store = redisStore({ sendCommand: (...args) => client.sendCommand(args) })
const offenders = repeatOffender({ limit: 20, store })
await offenders.flush()
const app = express()
app.use(offenders)
app.get('/', (_req, res) => void res.send('fine'))
const server = protect(app.listen(0, '127.0.0.1'), { rules: [offenders] })
await once(server, 'listening')
process.on('message', (message: { lift?: string }) => {
  if (message.lift) offenders.lift(message.lift)
  process.send?.(offenders.list().map(({ address }) => address))
})
process.send?.((server.address() as AddressInfo).port)
