import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'

/** A loopback port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** Whether `pid` itself listens on the loopback port: another server there would answer our tests. */
export async function ownsPort(pid: number, port: number): Promise<boolean> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = (await readFile('/proc/net/tcp', 'latin1')).split('\n').map(row => row.trim().split(/\s+/))
  const listening = rows.filter(row => row[1] === local && row[3] === '0A').map(row => `socket:[${row[9]}]`)
  if (listening.length === 0) return false
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
    if (listening.includes(target)) return true
  }
  return false
}
