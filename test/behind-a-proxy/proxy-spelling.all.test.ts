import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rulesAgainst, violationsOf } from './spoofing-cell.ts'
import { places } from './spoofing-columns.ts'
import { CLAIMED, judgedOn, PROXY, settings, ways } from './spoofing-settings.ts'
import { attempts } from './spoofing-table.ts'

const inHex = (address: string) =>
  address
    .split('.')
    .map(octet => Number(octet).toString(16).padStart(2, '0'))
    .join('')
    .replace(/^.{4}/, '$&:')

/** How proxies write an IPv4 address: some with its port, some as a dual-stack socket tells it. */
const spellings: Record<string, (address: string) => string> = {
  'with its port': address => `${address}:4711`,
  mapped: address => `::ffff:${address}`,
  'mapped, in hexadecimal': address => `::FFFF:${inHex(address)}`,
  'mapped, in brackets, with its port': address => `[::ffff:${address}]:4711`,
}

const few = attempts.filter((_attempt, index) => index % 12 === 0)

for (const place of places) {
  describe(`however the proxies spell an address, nobody gets past a rule: ${place.name}`, () => {
    for (const [spelling, spell] of Object.entries(spellings)) {
      test(spelling, async () => {
        for (const setting of settings) {
          for (const way of ways.filter(({ chain }) => chain.length > 1)) {
            const judged = judgedOn(way, setting)
            // A header that is not read may say what it will.
            if (judged === CLAIMED || judged === PROXY) continue
            for (const rule of Object.keys(rulesAgainst)) {
              const found = await violationsOf({ place, setting, way: { ...way, spell }, judged }, rule, few)
              assert.deepEqual(found, [], `${setting.name}, ${way.name}, ${rule}`)
            }
          }
        }
      })
    }
  })
}
