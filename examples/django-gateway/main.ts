import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
// In an app of yours: from 'drop444'
import { dropLog } from '../../lib/index.ts'
import { startDjango } from './django.ts'
import { createGateway } from './gateway.ts'

const django = await startDjango()
const gateway = createGateway({
  django: django.port,
  serverNames: ['localhost', '*.localhost'],
  routes: django.routes,
})

async function end(): Promise<void> {
  gateway.close()
  gateway.closeAllConnections()
  await django.close()
}

process.on('SIGINT', end).on('SIGTERM', end)
django.child.once('exit', () => void end())

gateway.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
try {
  await once(gateway, 'listening')
  const { port } = gateway.address() as AddressInfo
  console.log(`The gateway:  http://localhost:${port}/  (log in as ${django.user}, ${django.password})`)
  console.log(`Django alone: http://localhost:${django.port}/  its log: ${django.log}`)
  console.log('Ctrl-C ends both. What is dropped:\n')
  dropLog(process.stdout)
} catch (error) {
  await end()
  throw error
}
