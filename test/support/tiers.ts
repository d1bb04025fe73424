import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A test file's name says when it runs: `x.test.ts` with `npm test`, `x.all.test.ts` with `npm run test:all` too,
 * `x.long.test.ts` with `npm run test:long` alone.
 */
export const tiers = ['test', 'all', 'long'] as const

export type Tier = (typeof tiers)[number]

/** Of `test:all`, what may go another way on another Node: the sample that CI runs on each. The rest runs on one. */
export const dependsOnNode = [
  'behind-a-proxy/spoofing-http2',
  'behind-a-proxy/spoofing-unix',
  'server/cpu-families',
  'server/fuzz',
  'server/pipelines',
  'server/slow-',
  'server/slow.',
  'server/translated',
  'stores/outage.all',
  'stores/redis/async',
] as const

/** Of `npm test`, what goes the same way on every Node: pure functions, texts. CI runs it on one. */
export const sameOnEachNode = ['breaks', 'docs', 'counting', 'match', 'options/options', 'tiers'] as const

const isTier = (text: string): text is Tier => (tiers as readonly string[]).includes(text)

/**
 * The tier of a test file.
 *
 * @throws Error where its name has a second dot and names none
 */
export function tierOf(path: string): Tier {
  const [, word] = /\.([^/\\.]*)\.test\.ts$/.exec(path) ?? []
  const tier = word ?? 'test'
  if (isTier(tier) && word !== 'test') return tier
  throw new Error(`${path}: a test file is named x.test.ts, x.all.test.ts or x.long.test.ts`)
}

/** All test files, by their paths in the directory, with `/`. */
export function testFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map(name => name.replaceAll('\\', '/'))
    .filter(name => name.endsWith('.test.ts') && !name.includes('node_modules/'))
    .sort()
}

/** The test files of some tiers. */
export function filesOf(chosen: readonly Tier[], directory: string, isSample = false): string[] {
  const isOf = (starts: readonly string[], file: string) => starts.some(start => file.startsWith(start))
  const isChosen = (file: string, tier = tierOf(file)) =>
    chosen.includes(tier) &&
    (!isSample || (tier === 'test' ? !isOf(sameOnEachNode, file) : isOf(dependsOnNode, file)))
  return testFiles(directory)
    .filter(file => isChosen(file))
    .map(file => join(directory, file))
}
