import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { breaks } from './breaks/list.ts'
import { root } from './package/tree.ts'

test('each break has a name of its own, a text that stands once, another in its place, and tests', () => {
  assert.equal(new Set(breaks.map(({ name }) => name)).size, breaks.length)
  for (const { name, file, find, replace, tests } of breaks) {
    const source = readFileSync(join(root, 'lib', file), 'utf8')
    assert.equal(source.split(find).length - 1, 1, `${name}: the text in ${file}`)
    assert.notEqual(find, replace, name)
    for (const path of tests) assert.ok(existsSync(join(root, 'test', path)), `${name}: ${path}`)
  }
})
