import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { places } from './spoofing-columns.ts'

const child = fileURLToPath(new URL('trust-all-child.ts', import.meta.url))

describe('of all settings it is true that is warned of, once', () => {
  for (const [index, place] of places.entries()) {
    test(place.name, async () => {
      const args = ['--import', 'tsx', child, String(index)]
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 })
      assert.equal(stdout, '["true"]')
    })
  }
})
