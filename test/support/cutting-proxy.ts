import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy before a server, which can lose an answer. */
export interface CuttingProxy {
  readonly port: number
  /** How often an answer was lost. */
  readonly cuts: number
  /**
   * From the next request with this text in it on: when the server answers, the connection is cut, and the answer is lost. Once,
   * or so many times.
   */
  cut(text: string, times?: number): void
  close(): Promise<void>
}

/** @param port of the server, on loopback */
export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  const open = new Set<Socket>()
  let wanted = ''
  let left = 0
  let cuts = 0
  const server = createServer(client => {
    const upstream = connect(port, '127.0.0.1')
    let isToCut = false
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('error', end).on('close', () => {
        open.delete(socket)
        end()
      })
    }
    client.on('data', data => {
      if (left > 0 && data.includes(wanted)) {
        left--
        isToCut = true
      }
      upstream.write(data)
    })
    upstream.on('data', data => {
      if (!isToCut) return void client.write(data)
      cuts++
      end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts
    },
    cut(text, times = 1) {
      wanted = text
      left = times
    },
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
