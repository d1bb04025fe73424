import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startNginx } from '../support/nginx.ts'
import { exchange, get } from '../support/raw-client.ts'
import { requireTool } from '../support/tools.ts'
import { timeOf, withoutTime } from './combined-log.ts'

const script = fileURLToPath(new URL('log-one-drop.ts', import.meta.url))

async function oursIn(timeZone: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], {
    env: { ...process.env, TZ: timeZone },
    timeout: 20_000,
  })
  return stdout.trimEnd()
}

async function nginxIn(timeZone: string): Promise<string> {
  const nginx = await startNginx({
    timeZone,
    servers: address => `server { listen ${address}; return 444; }`,
  })
  try {
    await exchange({ port: nginx.port }, get())
    return (await nginx.accessLog(1))[0] as string
  } finally {
    await nginx.close()
  }
}

/** Node's name of a zone, nginx's (POSIX, where the sign is the other way round: it needs no zone files), what is logged. */
const zones = [
  ['UTC', 'UTC0', '+0000'],
  ['Asia/Kolkata', 'IST-5:30', '+0530'],
  ['Pacific/Marquesas', 'MART9:30', '-0930'],
] as const

describe('nginx: the time of a line is the same in every zone', { skip: requireTool('nginx') }, () => {
  for (const [ours, theirs, offset] of zones) {
    test(ours, async () => {
      const earliest = Math.floor(Date.now() / 1000)
      const lines = [await nginxIn(theirs), await oursIn(ours)] as const
      const latest = Math.floor(Date.now() / 1000)
      assert.equal(withoutTime(lines[1]), withoutTime(lines[0]))
      for (const line of lines) {
        const { second, zone } = timeOf(line)
        assert.equal(zone, offset)
        assert.ok(second >= earliest && second <= latest, `${line} from ${earliest} to ${latest}`)
      }
    })
  }
})
