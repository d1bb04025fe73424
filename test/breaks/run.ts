/*
 * Breaks the library in each of the listed ways, in copies of the tree, and sees whether the tests notice. A break that
 * survives means a test that proves nothing. Arguments: words that the names of the breaks to run contain; default: all.
 * With `--passed` the tests are known to pass without any break: CI has just run them.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { copyTree, root, temporary } from '../package/tree.ts'
import type { Break } from './break.ts'
import { breaks } from './list.ts'
import { loads, type Ran, runTests } from './run-tests.ts'

const PASSED = '--passed'

type Outcome = 'caught' | 'SURVIVED' | 'INVALID'

interface Result {
  readonly name: string
  readonly outcome: Outcome
  /** The test that failed, or what is wrong with the break. */
  readonly by: string
  readonly seconds: number
}

/** The source with the break in it, or why it can't be broken so. */
function broken({ file, find, replace }: Break, source: string): { source: string } | { problem: string } {
  const count = source.split(find).length - 1
  if (count !== 1) return { problem: `the text stands ${count} times in ${file}` }
  return { source: source.replace(find, () => replace) }
}

async function tryBreak(one: Break, tree: string): Promise<Omit<Result, 'seconds'>> {
  const invalid = (by: string) => ({ name: one.name, outcome: 'INVALID' as const, by })
  const path = join(tree, 'lib', one.file)
  const whole = readFileSync(path, 'utf8')
  const change = broken(one, whole)
  if ('problem' in change) return invalid(change.problem)
  writeFileSync(path, change.source)
  try {
    // Twice: what a race shows it does not show each time. The second time random input is new.
    const tries = [undefined, 'random' as const].flatMap(seed => one.tests.map(file => ({ file, seed })))
    for (const { file, seed } of tries) {
      const { ok, failed, passed } = await runTests(tree, file, seed)
      if (!ok && passed === 0 && !(await loads(tree)))
        return invalid('the broken code does not load: any test would fail')
      if (!ok) return { name: one.name, outcome: 'caught', by: `${file}: ${failed}` }
    }
    return { name: one.name, outcome: 'SURVIVED', by: one.tests.join(', ') }
  } finally {
    writeFileSync(path, whole)
  }
}

/** Twice at most: some tests measure what a busy machine can't always give. */
async function runsAtLast(tree: string, file: string): Promise<Ran> {
  const first = await runTests(tree, file)
  return first.ok ? first : runTests(tree, file)
}

/** Works through a list, as many at a time as there are trees. */
async function each<T, R>(
  items: readonly T[],
  trees: readonly string[],
  work: (item: T, tree: string) => Promise<R>,
) {
  const results = new Map<T, R>()
  const todo = [...items]
  await Promise.all(
    trees.map(async tree => {
      for (let item = todo.shift(); item !== undefined; item = todo.shift()) {
        results.set(item, await work(item, tree))
      }
    }),
  )
  return items.map(item => results.get(item) as R)
}

async function main(): Promise<void> {
  const words = process.argv.slice(2).filter(argument => argument !== PASSED)
  const chosen = breaks.filter(({ name }) => words.length === 0 || words.some(word => name.includes(word)))
  // What a break makes hang is waited for most of the time.
  const trees = Array.from({ length: Math.min(8, availableParallelism() + 6) }, (_, index) => {
    const tree = temporary(`break-${index}`)
    copyTree(tree)
    return tree
  })

  // A test that fails anyway would catch everything.
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))].sort()
  const missing = files.filter(file => !existsSync(join(root, 'test', file)))
  const whole = await each(
    process.argv.includes(PASSED) ? [] : files.filter(file => !missing.includes(file)),
    trees,
    async (file, tree) => ({ file, ...(await runsAtLast(tree, file)) }),
  )
  const sick = [
    ...missing.map(file => `${file}: there is no such file`),
    ...whole.filter(({ ok }) => !ok).map(({ file, failed }) => `${file}: ${failed}`),
  ]
  for (const line of sick) console.log(`fails without any break: ${line}`)

  const results = await each(chosen, trees, async (one, tree): Promise<Result> => {
    const started = performance.now()
    const unfit = one.tests.find(file => sick.some(line => line.startsWith(`${file}:`)))
    const result =
      unfit === undefined
        ? await tryBreak(one, tree)
        : { name: one.name, outcome: 'INVALID' as const, by: `${unfit} fails without the break` }
    console.log(`${result.outcome}: ${one.name}`)
    return { ...result, seconds: (performance.now() - started) / 1000 }
  })

  const table = new Table({
    head: ['break', '', 's', 'by'],
    chars: { mid: '', 'mid-mid': '', 'left-mid': '', 'right-mid': '' },
    style: { head: [], border: [] },
  })
  for (const { name, outcome, by, seconds } of results) table.push([name, outcome, seconds.toFixed(1), by])
  console.log(String(table))
  const caught = results.filter(({ outcome }) => outcome === 'caught').length
  console.log(`${caught} passed, ${results.length - caught} failed`)
  process.exitCode = caught === results.length && results.length > 0 ? 0 : 1
}

await main()
