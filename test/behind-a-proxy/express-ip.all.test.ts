import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { visitorsWay } from './spoofing-cell.ts'
import { places } from './spoofing-columns.ts'
import { sane } from './spoofing-requests.ts'
import { canonicalText, settings, ways } from './spoofing-settings.ts'
import { askWho } from './spoofing-who.ts'

const values = [
  ...['192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1', '::ffff:c000:201', '127.0.0.1', '10.0.0.7', '::1'],
  ...['192.0.2.1, 10.0.0.7', '10.0.0.7,127.0.0.1', ' 192.0.2.1 , 127.0.0.1', '192.0.2.1,', ',', ''],
]
const headers = [...sane, ...values.map(value => ({ name: value, forwarded: [value], claims: [] }))]

for (const place of places) {
  describe(`who asks is ${place.isExpress ? 'req.ip' : 'what proxy-addr says'}: ${place.name}`, () => {
    for (const setting of settings) {
      test(setting.name, async () => {
        for (const way of [...ways, ...ways.map(each => visitorsWay(each))]) {
          const found = await askWho(place, setting, way, headers)
          for (const [i, { ours, theirs }] of found.entries()) {
            assert.ok(ours)
            assert.equal(ours, canonicalText(theirs), `${way.name}: ${headers[i]?.name}`)
          }
        }
      })
    }
  })
}
