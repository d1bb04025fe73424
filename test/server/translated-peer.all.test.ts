import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findTool, requireTool } from '../support/tools.ts'

const skip = requireTool('ip') || (process.getuid?.() === 0 ? false : 'a network namespace needs root')
const script = fileURLToPath(new URL('translated-peer.ts', import.meta.url))

test('a peer that a translator shows as 64:ff9b::a.b.c.d, in a network of its own: at the door and at a limit', {
  skip,
}, () => {
  const ip = findTool('ip') as string
  const addresses = ['64:ff9b::cb00:7109', '64:ff9b::c000:201']
  const setUp = addresses.map(address => `${ip} -6 addr add ${address}/128 dev lo nodad`)
  const node = [
    process.execPath,
    ...process.execArgv.filter(arg => !arg.startsWith('--test')),
    '--import',
    'tsx',
    script,
  ]
  const command = [`${ip} link set lo up`, ...setUp, `exec ${node.map(word => `'${word}'`).join(' ')}`].join(
    ' && ',
  )
  const said = execFileSync('unshare', ['--net', 'sh', '-c', command], { timeout: 60_000, encoding: 'utf8' })
  assert.deepEqual(JSON.parse(said), [
    ['denyCidr', 'denied-address', '203.0.113.0/24', '203.0.113.9', '64:ff9b::cb00:7109', ''],
    [0, 'fin'],
    ['200', 'fin'],
    ['200', 'fin'],
    ['200', 'fin'],
    ['rateLimit', 'rate-limited', '192.0.2.1', '192.0.2.1', '64:ff9b::c000:201', 'GET'],
    [0, 'fin'],
    ['200', 'fin'],
    ['protect', 'too-many-connections', '1', '192.0.2.1', '64:ff9b::c000:201', ''],
    [0, 'fin'],
  ])
})
