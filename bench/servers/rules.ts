import crawlers from 'crawler-user-agents'
import { badAgent, denyCidr, noHost, pathAllowlist, type Rule, rateLimit } from '../../lib/index.ts'
import { globsOf } from '../data/globs.ts'
import { seeded } from '../support/random.ts'

const pick = seeded(444)

/** Networks of which none holds an address that the bench connects from. */
export const ranges = (count: number): string[] =>
  Array.from({ length: count }, () => `${130 + pick(90)}.${pick(256)}.${pick(256)}.0/${20 + pick(9)}`)

/** One that holds them all. */
export const clients = '127.9.0.0/16'

export const [patterns, globs] = [crawlers.slice(0, 650), globsOf(100)]

/** What passes all rules of the bench. */
export const host = 'www.example.com'
export const paths = ['/', '/users/42', '/static/app/main.js', '/docs/en/start']

/** Which only the last of the five rules refuses. */
export const refusedPath = '/wp-login.php'

/** 1000 networks, 650 patterns, 100 globs; of the rate all may be used. */
export const fiveRules = (): Rule[] => [
  noHost({ serverNames: ['example.com', '*.example.com'] }),
  denyCidr(ranges(1000)),
  rateLimit({ rate: '100000000r/s', burst: 1_000_000 }),
  badAgent({ patterns }),
  pathAllowlist(globs),
]
