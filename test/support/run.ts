/*
 * Runs the test files of some tiers. Arguments: the tiers (default: `test`), then what to hand on to `node --test`.
 * Random input is the same on every run: `DROP444_SEED=random`, or another number, changes that.
 * With `DROP444_SAMPLE=1` tiers run as CI runs them on a second Node: what does not depend on it is left out.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { reader } from './reader.ts'
import { filesOf, type Tier, tiers } from './tiers.ts'

const given = process.argv.slice(2)
const count = given.findIndex(argument => !(tiers as readonly string[]).includes(argument))
const rest = count < 0 ? [] : given.slice(count)
const chosen = (count < 0 ? given : given.slice(0, count)) as Tier[]
if (chosen.length === 0) chosen.push('test')

const isSample = process.env.DROP444_SAMPLE === '1'
// Most of them wait most of the time: on two cores Node would run one file after the other. Beside those that measure time there
// are fewer.
const atOnce = Math.max(chosen.includes('test') || isSample ? 4 : 3, availableParallelism() - 1)
/** Of a whole file. */
const timeouts: Record<Tier, number> = { test: 240_000, all: 480_000, long: 1_200_000 }
const timeout = Math.max(...chosen.map(tier => timeouts[tier]))
// Node 20's --test knows no globs, and not every shell does.
const files = filesOf(chosen, 'test', isSample)
const args = [
  ...reader,
  '--import',
  new URL('seed.mjs', import.meta.url).href,
  '--test',
  `--test-timeout=${timeout}`,
  `--test-concurrency=${atOnce}`,
  ...rest,
  ...files,
]
// What later Nodes compile they can keep; not where they are to say what was covered.
const env = process.env.NODE_V8_COVERAGE
  ? process.env
  : { NODE_COMPILE_CACHE: resolve('node_modules', '.cache', 'node'), ...process.env }
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env })
process.exit(status ?? 1)
