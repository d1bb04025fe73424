import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { violationsOf } from './spoofing-cell.ts'
import { places } from './spoofing-columns.ts'
import { believedOtherwise, CLAIMED, judgedOn, settings, walk, ways } from './spoofing-settings.ts'
import { attempts } from './spoofing-table.ts'
import { askWho } from './spoofing-who.ts'

const cells = settings.flatMap(setting =>
  ways.filter(way => judgedOn(way, setting) === CLAIMED).map(way => ({ setting, way })),
)

test('where a client is believed', () => {
  assert.deepEqual(
    cells.map(({ setting, way }) => `${setting.name}: ${way.name}`),
    [
      ...['1: direct', '1: stranger'],
      ...['2: direct', '2: stranger', '2: one proxy', '2: own line', '2: insider'],
      "'loopback': direct",
      "'loopback, linklocal, uniquelocal': direct",
      "'loopback, linklocal, uniquelocal': insider",
      '["127.0.0.1/32","10.0.0.0/8"]: insider',
      ...ways.map(({ name }) => `a function: true: ${name}`),
      ...ways.map(({ name }) => `true: ${name}`),
    ],
  )
})

for (const place of places) {
  describe(`by these settings a client is believed: ${place.name}`, () => {
    for (const { setting, way } of cells) {
      test(`${setting.name}, ${way.name}`, async () => {
        const found = await askWho(place, setting, way, attempts)
        const wrong = attempts.flatMap(({ name, claims }, i) => {
          const expected = walk([...way.chain, ...claims], setting)
          const ours = found[i]?.ours
          return [expected, ...believedOtherwise(setting, claims)].includes(ours)
            ? []
            : [`${name}: ${ours}, not ${expected}`]
        })
        assert.deepEqual(wrong, [])
      })

      test(`${setting.name}, ${way.name}: an address of his choice passes denyCidr`, async () => {
        const judged = way.chain.at(-1) as string
        const one = attempts.filter(({ name }) => name === '"192.0.2.1"')
        const [wrong] = await violationsOf({ place, setting, way, judged }, 'denyCidr', one)
        assert.equal(wrong, '"192.0.2.1": 200 0 undefined ')
      })
    }
  })
}
