import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { page } from '../support/docs.ts'
import { blocksOf } from './recipe.ts'

const folder = new URL('../../docs/recipes/', import.meta.url)
const names = readdirSync(folder).map(file => file.replace('.md', ''))
const recipes = names.filter(name => name !== 'index').sort()

describe('recipes', () => {
  for (const name of recipes) {
    test(`${name} is short, is run by a test, and needs no cast`, () => {
      assert.ok(page(`docs/recipes/${name}.md`).text.split('\n').length <= 60)
      assert.ok(existsSync(new URL(`${name}.test.ts`, import.meta.url)))
      assert.equal(blocksOf(name).length, 2)
      for (const code of blocksOf(name)) assert.doesNotMatch(code, /\bas \w|\bany\b|<\w+>\w|@ts-/)
    })
  }

  test('the index has a row for each', () => {
    const rows = page('docs/recipes/index.md').text.match(/^\| \[.*$/gm) ?? []
    assert.deepEqual(rows.map(row => /\]\((\w[\w-]*)\.md\)/.exec(row)?.[1]).sort(), recipes)
  })
})
