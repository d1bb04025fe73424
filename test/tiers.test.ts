import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import { describe, it } from 'node:test'
import { root } from './package/tree.ts'
import { dependsOnNode, filesOf, sameOnEachNode, testFiles, tierOf, tiers } from './support/tiers.ts'

const directory = join(root, 'test')
const files = testFiles(directory)
const read = (file: string) => readFileSync(join(directory, file), 'utf8')

describe('the three runs of tests', () => {
  it('are told by the name', () => {
    assert.equal(tierOf('rules/a-rule.test.ts'), 'test')
    assert.equal(tierOf('test/nginx/log.all.test.ts'), 'all')
    assert.equal(tierOf('soak.long.test.ts'), 'long')
    for (const name of ['x.al.test.ts', 'x.test.test.ts', 'x.all.long.x.test.ts', 'x..test.ts'])
      assert.throws(() => tierOf(name), /x\.all\.test\.ts/, name)
  })

  it('hold each test file once', () => {
    const held = tiers.flatMap(tier => filesOf([tier], directory))
    assert.deepEqual(
      held.sort(),
      files.map(file => join(directory, file)),
    )
    assert.ok(files.length > 100)
    assert.deepEqual(filesOf(tiers, directory).sort(), held)
  })

  it('hold every file with tests: none has another ending, none stands elsewhere', () => {
    const elsewhere = ['bench', 'docs', 'examples', 'lib', 'test'].flatMap(top =>
      readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
        .map(name => posix.join(top, name.replaceAll(sep, '/')))
        .filter(name => !name.includes('node_modules/') && /(?:[._-](?:test|spec)|\.tests)\.\w+$/.test(name)),
    )
    assert.deepEqual(elsewhere.sort(), files.map(file => `test/${file}`).sort())
  })

  it('hold what other files share: who declares tests is a test file, or is imported by one', () => {
    const sources = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .map(name => name.replaceAll(sep, '/'))
      .filter(name => name.endsWith('.ts') && !name.includes('node_modules/'))
    const imported = new Set(
      sources.flatMap(source =>
        [...read(source).matchAll(/from '(\.[^']+\.ts)'/g)].map(([, path = '']) =>
          posix.join(posix.dirname(source), path),
        ),
      ),
    )
    for (const source of sources)
      if (!source.endsWith('.test.ts') && /from 'node:test'/.test(read(source)))
        assert.ok(imported.has(source), `test/${source} is run by no test file`)
  })

  it('leave out on a second Node what does not depend on it', () => {
    const sample = filesOf(['test', 'all'], directory, true)
    for (const [tier, starts] of [
      ['all', dependsOnNode],
      ['test', sameOnEachNode],
    ] as const)
      for (const start of starts)
        assert.ok(
          files.some(file => file.startsWith(start) && tierOf(file) === tier),
          `${start} is the start of no file of ${tier}`,
        )
    const out = filesOf(['test', 'all'], directory).filter(file => !sample.includes(file))
    assert.ok(out.some(file => tierOf(file) === 'all') && out.some(file => tierOf(file) === 'test'))
    assert.ok(sample.some(file => tierOf(file) === 'all') && sample.some(file => tierOf(file) === 'test'))
  })

  it('are the commands that the contributor is told of', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const page = readFileSync(join(root, 'docs/contributing.md'), 'utf8')
    const run = 'node --import tsx test/support/run.ts'
    assert.deepEqual(
      [scripts.test, scripts['test:all'], scripts['test:long']],
      [`${run} test`, `${run} test all`, `${run} long`],
    )
    assert.ok(existsSync(join(root, 'test/support/run.ts')))
    for (const command of ['npm test', 'npm run test:all', 'npm run test:long'])
      assert.ok(page.includes(`| \`${command}\` |`), command)
  })
})
