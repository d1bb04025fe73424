import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { foldCase } from '../../../lib/match/globs/case-fold.ts'
import { compileTaken } from '../../../lib/match/paths/taken-away.ts'
import { allows } from '../../support/reference/judge-path.ts'

const characters = Array.from({ length: 0x110000 }, (_, code) => code)
  .filter(code => code < 0xd800 || code > 0xdfff)
  .map(code => String.fromCodePoint(code))

const cased = characters.filter(
  each => each.toLowerCase() !== each || each.toUpperCase() !== each || /\p{CWCF}/u.test(each),
)

const hex = (text: string) =>
  [...text].map(each => `U+${(each.codePointAt(0) as number).toString(16)}`).join(' ')

function foldsAlike(one: string, other: string, by: string): void {
  if (foldCase(one, false) !== foldCase(other, false))
    assert.fail(
      `${by}: ${hex(one)} and ${hex(other)} are ${hex(foldCase(one, false))}, ${hex(foldCase(other, false))}`,
    )
}

describe('what an app takes for the same folds to the same, over all of Unicode', () => {
  test('toLowerCase, toUpperCase, and both', () => {
    for (const each of characters) {
      for (const other of [each.toLowerCase(), each.toUpperCase(), each.toUpperCase().toLowerCase()])
        if (other !== each) foldsAlike(each, other, 'JavaScript')
    }
  })

  for (const flags of ['i', 'iu']) {
    test(`RegExps with /${flags}`, () => {
      // A surrogate is a character of its own without `u`.
      const known = flags === 'i' ? cased.filter(each => each.length === 1) : cased
      const all = known.join('')
      let pairs = 0
      for (const each of known) {
        for (const [other] of all.matchAll(new RegExp(each, `g${flags}`))) {
          foldsAlike(each, other, flags)
          pairs++
        }
      }
      assert.ok(pairs > known.length * 1.8, `${pairs}`)
    })
  }

  test("Python's re.IGNORECASE, lower, upper and casefold", () => {
    const program = `
import json, re
cased = [c for c in map(chr, range(0x110000)) if not 0xd800 <= ord(c) <= 0xdfff and (c.lower() != c or c.upper() != c or c.casefold() != c)]
text = ''.join(cased)
print(json.dumps([[c, c.lower(), c.upper(), c.casefold(), *re.findall(re.escape(c), text, re.I)] for c in cased]))`
    const { stdout, error } = spawnSync('python3', ['-c', program], { encoding: 'utf8', maxBuffer: 64 << 20 })
    if (error) throw error
    const found = JSON.parse(stdout) as string[][]
    assert.ok(found.length > 2_500, `${found.length}`)
    for (const [each = '', ...others] of found) for (const other of others) foldsAlike(each, other, 'Python')
    assert.ok(found.some(([each, , , , ...others]) => each === 'k' && others.includes('\u212a')))
  })

  test('canonical equivalents, also where case counts', () => {
    for (const each of characters) {
      for (const form of ['NFC', 'NFD']) {
        const other = each.normalize(form)
        if (other === each) continue
        foldsAlike(each, other, form)
        assert.equal(foldCase(each, true), foldCase(other, true), hex(each))
      }
    }
    assert.equal(foldCase('a\u0301\u0323', true), foldCase('a\u0323\u0301', true))
  })

  test('and what no app takes for the same does not', () => {
    for (const [one, other] of ['éè', 'ée', 'oø', 'aа', 'iíj', 'kκ', 'sš', '①1', 'ａa', 'ªa', '²2'].map(
      each => [...each],
    ))
      assert.notEqual(foldCase(one as string, false), foldCase(other as string, false), `${one} ${other}`)
    assert.notEqual(foldCase('É', true), foldCase('é', true))
  })
})

/** All that folds to letters of ASCII. */
const toAscii = characters.filter(each => each > '~' && /^[a-z]+$/.test(foldCase(each, false)))

test('! keeps away what folds to its letters; what is allowed is no wider for it', () => {
  assert.ok(
    '\u212a\u017f\u0131\u0130ßẞﬀﬁﬂﬃﬄﬅﬆ'.split('').every(each => toAscii.includes(each)),
    toAscii.join(' '),
  )
  for (const each of toAscii) {
    const plain = foldCase(each, false)
    const how = { caseSensitive: false, strict: false }
    for (const path of [`/x${encodeURIComponent(each)}y/z`, `/X${Buffer.from(each).toString('latin1')}Y/z`]) {
      for (const glob of [`/x${plain}y/**`, `/x${each}y/*`, `/{a,x}${plain}y/z`, `/*${plain}*/z`]) {
        assert.equal(allows(path, ['/**', `!${glob}`]), false, `${path} !${glob}`)
        assert.equal(compileTaken([glob], how)(path), true, `${path} !${glob}`)
      }
      if (plain.length === 1)
        assert.equal(allows(path, ['/**', `!/x[${plain}0-9]y/z`]), false, `${path} class`)
      assert.equal(allows(path, [`/x${plain}y/**`]), false, path)
      const isLeft = allows(path, ['/**', `!/x${plain}y/**`], { caseSensitive: true, strict: false })
      assert.equal(isLeft, true, `${path} where case counts`)
    }
    assert.equal(allows(`/x${plain}y`, ['/**', `!/x${each}y`]), false, `the glob has ${each}`)
  }
  assert.equal(
    allows('/admi%CC%87n', ['/**', '!/admin']),
    false,
    'a dot above, as toLowerCase leaves it of U+0130',
  )
})

test('where case counts the Kelvin sign is K all the same', () => {
  const how = { caseSensitive: true, strict: false }
  assert.equal(allows('/DES%E2%84%AA', ['/**', '!/DESK'], how), false)
  assert.equal(allows('/des%E2%84%AA', ['/**', '!/desk'], how), true)
})

test('! keeps away every canonically equivalent spelling', () => {
  for (const glob of [
    '!/caf\u00e9/*',
    '!/cafe\u0301/*',
    '!/caf%C3%A9/*',
    '!/caf[\u00e9\u00e8]/*',
    '!/caf[\u00e0-\u00eb]/*',
    '!/caf?/*',
    '!/{x,caf\u00e9}/*',
  ])
    for (const path of [
      '/caf%C3%A9/x',
      '/cafe%CC%81/x',
      '/CAF%C3%89/x',
      '/CAFE%CC%81/x',
      '/%63afe%cc%81/x',
      '/cafe\xcc\x81/x',
    ])
      assert.equal(allows(path, ['/**', glob]), false, `${path} ${glob}`)
  for (const path of ['/cafe/x', '/caf%C3%A8/x', '/cafe%CC%80/x'])
    assert.equal(allows(path, ['/**', '!/caf\u00e9/*']), true, path)
  assert.equal(allows('/cafe%CC%81', ['/caf\u00e9']), false, 'what is allowed is as it was sent')
  // Hangul, two marks in either order, and what stands behind more marks than are put in order.
  assert.equal(allows('/%E1%84%92%E1%85%A1%E1%86%AB', ['/**', '!/한']), false)
  assert.equal(allows('/a%CC%81%CC%A3', ['/**', '!/a\u0323\u0301']), false)
  assert.equal(allows(`/cafe%CC%81/${'%CC%81%CC%A3'.repeat(100)}`, ['/**', '!/caf\u00e9/*']), false)
  assert.equal(allows(`/cafe/${'%CC%81%CC%A3'.repeat(100)}`, ['/**', '!/caf\u00e9/*']), true)
})

test('no more than thirty marks in a row are put in order: all of a long path would take the square of its length', () => {
  const folded = foldCase(`/${'\u0301\u0323'.repeat(4_000)}`, false)
  assert.ok(folded.split('\u034f').every(run => run.length <= 31))
  assert.equal(
    foldCase(`a${'\u0301\u0323'.repeat(15)}`, false),
    foldCase(`a${'\u0323\u0301'.repeat(15)}`, false),
  )
  const isTaken = compileTaken(['/caf\u00e9/**'], { caseSensitive: false, strict: false })
  assert.equal(isTaken(`/cafe%CC%81/${'%CC%81%CC%A3'.repeat(1_000)}`), true)
  assert.equal(isTaken(`/cafe/${'%CC%81%CC%A3'.repeat(1_000)}`), false)
})
