import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { denyCidr, onDrop, protect, rateLimit } from '../../lib/index.ts'
import { exchange, get, RawClient } from '../support/raw-client.ts'

/** Runs where 64:ff9b::cb00:7109 and 64:ff9b::c000:201 are addresses of the loopback interface; prints what came of each request. */
const said: unknown[] = []
onDrop(({ rule, reason, detail, clientAddress, peerAddress, method }) =>
  said.push([rule, reason, detail, clientAddress, peerAddress, method]),
)
const ask = async (port: number, localAddress: string) => {
  const wire = await exchange({ port, host: '::1', localAddress }, get('/', { Connection: 'close' }))
  said.push([wire.wireBytes > 0 ? wire.data.toString('latin1').slice(9, 12) : 0, wire.end])
}

async function site(options: Parameters<typeof protect>[1]): Promise<number> {
  const server = protect(http.createServer((_req, res) => res.end('fine')).listen(0, '::'), options)
  if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
  server.unref()
  return (server.address() as AddressInfo).port
}

const deny = await site({ rules: [denyCidr(['203.0.113.0/24'])] })
await ask(deny, '64:ff9b::cb00:7109')
await ask(deny, '64:ff9b::c000:201')
const limit = await site({ rules: [rateLimit({ rate: '1r/m' })] })
for (const address of ['64:ff9b::cb00:7109', '64:ff9b::c000:201', '64:ff9b::c000:201'])
  await ask(limit, address)
const crowd = await site({ connectionsPerAddress: 1 })
const first = await RawClient.open({ port: crowd, host: '::1', localAddress: '64:ff9b::c000:201' })
first.send(get())
await first.until(() => first.text.includes('fine'))
await ask(crowd, '64:ff9b::cb00:7109')
await ask(crowd, '64:ff9b::c000:201')
first.tcp.destroy()
process.stdout.write(JSON.stringify(said))
