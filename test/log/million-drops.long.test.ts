import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** In a process of its own, with the collector in our hands. */
const script = `
  import { channel } from 'node:diagnostics_channel'
  import { Writable } from 'node:stream'
  import { dropLog } from './lib/index.ts'
  let release, lines = 0, said = []
  let stuck = true
  const stream = new Writable({
    write(chunk, encoding, done) {
      const text = String(chunk)
      if (text.startsWith('#')) said.push(text.trim())
      else lines++
      if (stuck) release = done
      else done()
    },
  })
  const stop = dropLog(stream)
  const drops = channel('drop444:drop')
  const event = Object.freeze({ time: Date.now(), status: 444, action: 'close', rule: 'r', reason: 'x', bodyBytesSent: 0,
    clientAddress: '192.0.2.1', method: 'GET', url: '/wp-login.php', httpVersion: '1.1', userAgent: 'scanner' })
  const heap = () => { gc(); return process.memoryUsage().heapUsed }
  const total = 1_000_000
  let longest = 0
  const heaps = []
  for (let i = 1; i <= total; i++) {
    const started = performance.now()
    drops.publish(event)
    longest = Math.max(longest, performance.now() - started)
    if (i % 100_000 === 0) heaps.push(heap())
  }
  const lost = stop.lost
  stuck = false
  release()
  await new Promise(resolve => setTimeout(resolve, 100))
  console.log(JSON.stringify({ lines, lost, said, growth: heaps.at(-1) - heaps[0], longest }))
`

test('a million drops into a stream that never drains: flat heap, no wait, lost lines counted exactly and said', () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', script],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8', timeout: 60_000 },
  )
  const { lines, lost, said, growth, longest } = JSON.parse(stdout)
  assert.equal(lines + lost, 1_000_000)
  assert.ok(lost > 900_000, `${lost} lost`)
  assert.deepEqual(said, [`# drop444: ${lost} lines lost`])
  assert.ok(growth < 1_000_000, `${growth} bytes`)
  assert.ok(longest < 200, `${longest} ms`)
  assert.equal(stderr.split('DROP444_LOG_LOST').length, 2, stderr)
})
