import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Request } from '../../lib/index.ts'
import { knownRoutes, type RoutedApp } from '../../lib/routes/known-routes/known-routes.ts'
import { runs } from '../support/runs.ts'
import { isFoundBy, names } from './express-apps.ts'
import { appOf, requestFor, seeds, tables } from './generated-tables.ts'

for (const version of names) {
  test(`knownRoutes says what Express does, on generated route tables: ${version}`, async () => {
    const seen = { tables: 0, found: 0, unknown: 0 }
    await fc.assert(
      fc.asyncProperty(tables(), fc.array(seeds, { minLength: 8, maxLength: 8 }), async (table, requests) => {
        seen.tables++
        const [alone, guarded] = [appOf(table, version), appOf(table, version)]
        const routes = knownRoutes(guarded as unknown as RoutedApp)
        for (const { method, url } of requests.map(each => requestFor(table, each))) {
          const isFound = await isFoundBy(alone, method, url)
          seen[isFound ? 'found' : 'unknown']++
          const isKnown = routes.has({ method, url, headers: {} } as Request)
          assert.equal(isKnown, isFound, `${method} ${JSON.stringify(url)}`)
          // What is let through finds what it would have found, as if nobody had looked before.
          if (isKnown) assert.ok(await isFoundBy(guarded, method, url), url)
        }
      }),
      { numRuns: runs(200) },
    )
    // Tables of which nothing is found, or everything, would show nothing.
    const total = seen.found + seen.unknown
    assert.ok(
      seen.tables >= runs(200) && seen.found > total / 5 && seen.unknown > total / 5,
      JSON.stringify(seen),
    )
  })
}
