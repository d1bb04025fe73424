import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rulesAgainst, violationsOf } from './spoofing-cell.ts'
import { places } from './spoofing-columns.ts'
import { CLAIMED, judgedOn, settings, ways } from './spoofing-settings.ts'
import type { Attempt } from './spoofing-table.ts'

/** Node 20 keeps the first 1,000 lines (`server.maxHeadersCount`) and tells nobody of the rest: 4 bytes each are enough. */
const padding = Array<string>(1_100).fill('A:')

const attempts: readonly Attempt[] = [
  { name: "lines that crowd out the proxy's", forwarded: [], claims: [], others: padding },
  {
    name: 'a line of his own before them',
    forwarded: [],
    claims: [],
    others: ['X-Forwarded-For: 192.0.2.1', ...padding],
  },
]

/** A drop, whoever was judged: the proxy's line is not there to be read. From 22 on Node refuses that many by itself. */
const isDropped = (seen: string) => /: (?:431|444|silence) [01] /.test(seen)

for (const place of places) {
  describe(`more header lines than Node reads: ${place.name}`, () => {
    for (const setting of settings) {
      for (const way of ways) {
        const judged = judgedOn(way, setting)
        if (judged === CLAIMED) continue
        test(`${setting.name}, ${way.name}`, async () => {
          for (const rule of Object.keys(rulesAgainst)) {
            const found = await violationsOf({ place, setting, way, judged }, rule, attempts)
            assert.deepEqual(
              found.filter(seen => !isDropped(seen)),
              [],
              rule,
            )
          }
        })
      }
    }
  })
}
