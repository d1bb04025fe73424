import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

/** CI runs the test of the bench on one Node: it says nothing about the library. */
const leftOut = process.env.DROP444_LEAVE_OUT

// Node 20's --test knows no globs, and not every shell does. Arguments: what to hand on to `node --test`.
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts') && !name.includes('node_modules') && name !== leftOut)
  .map(name => join('test', name))
  .sort()
// Most of them wait most of the time: on two cores Node would run one file after the other. Those that do not are left out, or
// cut down, in a sample.
const atOnce = Math.max(process.env.DROP444_SAMPLE ? 4 : 3, availableParallelism() - 1)
// Later Nodes read TypeScript themselves, in less time.
const reader = 'typescript' in process.features && process.features.typescript ? [] : ['--import', 'tsx']
const args = [
  ...reader,
  '--test',
  '--test-timeout=240000',
  `--test-concurrency=${atOnce}`,
  ...process.argv.slice(2),
  ...files,
]
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
process.exit(status ?? 1)
