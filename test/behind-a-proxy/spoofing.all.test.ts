import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { uncaught } from '../support/events.ts'
import { rulesAgainst, violationsOf } from './spoofing-cell.ts'
import { places } from './spoofing-columns.ts'
import { CLAIMED, judgedOn, PROXY, settings, type Way, ways } from './spoofing-settings.ts'
import { attempts } from './spoofing-table.ts'

afterEach(() => assert.deepEqual(uncaught.splice(0), []))

/** What a proxy has written is not read where it is judged itself: one way of writing will do. */
const isAsGood = ({ name }: Way, judged: string) =>
  judged === PROXY && (name === 'own line' || name === 'insider')

for (const place of places) {
  describe(`no header gets an attacker past a rule: ${place.name}`, () => {
    for (const setting of settings) {
      for (const way of ways) {
        const judged = judgedOn(way, setting)
        if (judged === CLAIMED || isAsGood(way, judged)) continue
        test(`${setting.name}, ${way.name}: ${judged} is judged`, async () => {
          const rules = Object.keys(rulesAgainst)
          const found = await Promise.all(
            rules.map(async rule =>
              (await violationsOf({ place, setting, way, judged }, rule, attempts)).map(
                wrong => `${rule}: ${wrong}`,
              ),
            ),
          )
          assert.deepEqual(found.flat(), [])
        })
      }
    }
  })
}
