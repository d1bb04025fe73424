import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { onDrop, protect } from '../../lib/index.ts'

/*
 * The guarded server of the slowhttptest suite, in a process of its own so that the visitor's clock does not measure its
 * own process. Options of `protect` come as JSON. To each message it tells what it has seen so far.
 */

/** What the kernel takes off our hands: a thousand larger ones would fill its memory for TCP, on which all servers depend. */
const PAGE = Buffer.alloc(100_000, 'x')

const server = http.createServer((req, res) => {
  if (req.url === '/page') res.end(PAGE)
  else req.resume().on('end', () => res.end('fine'))
})

const drops: Record<string, number> = {}
onDrop(({ reason }) => {
  drops[reason] = (drops[reason] ?? 0) + 1
})

let open = 0
let most = 0
let total = 0
server.on('connection', socket => {
  total++
  most = Math.max(most, ++open)
  socket.once('close', () => open--)
})

protect(server, JSON.parse(process.argv[2] ?? '{}'))
server.listen({ port: 0, host: '127.0.0.1', backlog: 2_048 }, () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.on('message', () => process.send?.({ drops, most, total }))
process.on('disconnect', () => process.exit())
