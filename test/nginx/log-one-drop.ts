/** Drops one request of its own and writes nginx's line for it to standard output: for a process of another time zone. */
import http from 'node:http'
import { dropLog, rule } from '../../lib/index.ts'
import { exchange, get } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'

dropLog(process.stdout, { format: 'combined' })
const everything = rule('all', () => 'x')
const server = await listen(http.createServer((req, res) => everything(req, res, () => res.end())))
await exchange({ port: server.port }, get())
await server.close()
