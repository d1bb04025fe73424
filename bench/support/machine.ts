import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import type { Report } from './report.ts'

const peers = [
  'autocannon',
  'crawler-user-agents',
  'express',
  'express-ipfilter',
  'express-rate-limit',
  'ioredis',
  'ip-range-check',
  'ipaddr.js',
  'isbot',
  'micromatch',
  'picomatch',
  'rate-limit-redis',
  'rate-limiter-flexible',
  'redis',
  'top-user-agents',
]

export const machine = (): Report['machine'] => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  system: `${type()} ${release()}`,
  node: process.version,
})

/** The versions that are installed: the peers', and our own. */
export function versions(): Record<string, string> {
  const versionIn = (path: string): string =>
    JSON.parse(readFileSync(new URL(`../../${path}package.json`, import.meta.url), 'utf8')).version
  return {
    drop444: versionIn(''),
    ...Object.fromEntries(peers.map(name => [name, versionIn(`node_modules/${name}/`)])),
  }
}
