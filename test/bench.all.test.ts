import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { agree, Disagreement } from '../bench/support/agree.ts'
import type { Candidate } from '../bench/support/candidate.ts'
import { markdown, withRun } from '../bench/support/markdown.ts'
import { CLOSE, candidates, checkRound, FORBIDDEN, HAND_OFF, NGINX } from '../bench/support/proxied.ts'
import { race } from '../bench/support/race.ts'
import type { Report, SectionReport } from '../bench/support/report.ts'
import { atLeast, atMost } from '../bench/support/section.ts'
import { spreadOf } from '../bench/support/spread.ts'
import { packTexts, textAt } from '../bench/support/texts.ts'
import { root } from './package/tree.ts'

function bench(...args: string[]) {
  const command = ['--import', 'tsx', 'bench/main.ts', ...args]
  return spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', timeout: 120_000 })
}

/** How many targets each section has; of cidr's three families `--quick` does one. */
const targets: Record<string, number> = {
  ...{ cidr: 6, 'rate-limit': 6, redis: 8, agents: 6, paths: 4 },
  ...{ request: 5, dropped: 9, proxy: 4, startup: 3 },
}

function checkSection({ targets, tables, agreement, panels = [] }: SectionReport, count: number) {
  assert.equal(targets.length, count)
  const leavesOut = tables.some(({ rows }) => rows.some(row => 'skipped' in row))
  for (const { text, measured } of targets)
    assert.ok(measured === undefined ? leavesOut : Number.isFinite(measured), text)
  for (const { title, rows } of tables) {
    assert.ok(rows.length > 1, title)
    for (const row of rows) assert.ok('skipped' in row || row.low <= row.high, row.candidate)
  }
  for (const { at, candidates, probes, yes } of agreement) {
    assert.ok(candidates.length > 1 && probes > 0, `${at}: nobody to agree with`)
    assert.ok(yes === undefined || (yes > 0 && yes < 100), `${at}: ${yes} % yes shows little`)
  }
  for (const { title, series } of panels) {
    assert.ok(
      series.some(({ points }) => points.length > 1),
      title,
    )
    assert.match(series[0]?.name ?? '', /^drop444/)
  }
}

describe('npm run bench', () => {
  for (const [name, count] of Object.entries(targets)) {
    it(`${name}: every table, target and agreement is in the JSON`, () => {
      const { status, stdout, stderr } = bench('--only', name, '--quick', '--json')
      assert.equal(status, 0, stderr)
      const report: Report = JSON.parse(stdout)
      assert.equal(report.quick, true)
      assert.equal(report.machine.node, process.version)
      assert.ok(report.versions['express-rate-limit'])
      assert.deepEqual(
        report.sections.map(section => section.name),
        [name],
      )
      checkSection(report.sections[0] as SectionReport, count)
      const page = withRun('a<!-- one run: begin -->the run before<!-- one run: end -->z', markdown(report))
      assert.match(page, /^a<!-- one run: begin -->\n.+### .+\n<!-- one run: end -->z$/s)
      assert.ok(!page.includes('the run before'))
    })
  }

  it('refuses a section that it does not have, and an unknown option', () => {
    const unknown = bench('--only', 'cidr,typo')
    assert.equal(unknown.status, 2)
    assert.match(
      unknown.stderr,
      /no section typo; there are: cidr, rate-limit, redis, agents, paths, request/,
    )
    assert.equal(bench('--fast').status, 2)
    assert.equal(bench('--write-docs', '--quick').status, 2)
  })

  it('writes the plot, and fails on a missed target where that is asked for', () => {
    const directory = mkdtempSync(join(tmpdir(), 'drop444-bench-'))
    try {
      const file = join(directory, 'plot.svg')
      const { status, stdout } = bench('--only', 'paths', '--quick', '--strict', '--plot', file)
      assert.equal(status, stdout.includes('MISSED') ? 1 : 0)
      assert.ok(existsSync(file))
      assert.match(readFileSync(file, 'utf8'), /^<svg .*drop444.*<\/svg>$/s)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

describe('bench: agreement', () => {
  const texts = packTexts(['10', '11', '12', '13', '14', '15', '16', '17', '18', '19'])
  const even: Candidate = { name: 'even', decide: { text: text => Number(text) % 2 === 0 } }
  const byIndex: Candidate = { name: 'by index', decide: { index: i => i % 2 === 0 } }
  const slowly: Candidate = {
    ...{ name: 'slowly', awaited: true, decide: { text: async text => Number(text) % 2 } },
    verdict: rest => rest === 0,
  }
  const liar: Candidate = { name: 'liar', decide: { text: text => text === '13' || Number(text) % 2 === 0 } }
  const context = { quick: true, budgetMs: 0, progress() {} }

  it('is found between all that are asked, however they answer', async () => {
    const { probes, yes, candidates } = await agree('numbers', [even, byIndex, slowly], texts, 1000)
    assert.deepEqual(
      { probes, yes, candidates },
      { probes: 10, yes: 50, candidates: ['even', 'by index', 'slowly'] },
    )
  })

  it('is denied where one lies, with the probe and who said what', async () => {
    const message = 'numbers, "13": even says no, slowly says no, liar says yes'
    await assert.rejects(agree('numbers', [even, slowly, liar], texts, 1000), { message })
    await assert.rejects(
      race(context, { at: 'numbers', candidates: [liar, even], texts, budgetMs: 0 }),
      Disagreement,
    )
  })

  it('is not asked of who is exempt, and says so', async () => {
    const { candidates, exempt } = await agree('numbers', [even, { ...liar, exempt: 'it lies' }], texts, 1000)
    assert.deepEqual({ candidates, exempt }, { candidates: ['even'], exempt: 'liar: it lies' })
  })

  it('says how many a slow one was asked', async () => {
    const { candidates } = await agree('numbers', [even, slowly], texts, 0)
    assert.deepEqual(candidates, ['even (the first 8)', 'slowly (the first 8)'])
  })

  it('leaves out who is too slow, here and at larger sizes', async () => {
    const sleeper: Candidate = {
      name: 'sleeper',
      awaited: true,
      decide: { text: () => new Promise(resolve => setTimeout(resolve, 300)) },
    }
    const tooSlow = new Set<string>()
    const setup = { at: 'numbers', candidates: [even, byIndex, sleeper], texts, budgetMs: 0, tooSlow }
    const { rows, ns, ratio } = await race(context, setup)
    assert.deepEqual([...tooSlow], ['sleeper'])
    assert.ok('skipped' in (rows[2] ?? {}))
    assert.equal(ns('sleeper'), undefined)
    assert.equal(ratio('sleeper', 'even'), undefined)
    assert.ok((ns('even') ?? 0) > 0 && (ratio('even', 'by index') ?? 0) > 0)
  })
})

describe('bench: a round through nginx', () => {
  type Statuses = Record<number, number>
  interface Told {
    readonly requests?: number
    readonly bytes?: number
    readonly errors?: string[]
  }

  function check(name: string, unwanted: Statuses, visitors: Statuses, told: Told = {}) {
    const { requests = 10, bytes = 0, errors = [] } = told
    const candidate = candidates.find(each => each.name === name)
    assert.ok(candidate)
    const heard = { unwanted: { statuses: unwanted, bytes }, visitors: { statuses: visitors, bytes: 0 } }
    checkRound(candidate, { milliseconds: 1, errors, ...heard }, requests)
  }

  it('passes where everybody gets what the candidate promises', () => {
    check(NGINX, { 0: 9 }, { 200: 1 }, { requests: 0 })
    check(CLOSE, { 502: 9 }, { 502: 1, 200: 2 }, { requests: 3, bytes: 99 })
    check(FORBIDDEN, { 403: 9 }, { 200: 1 }, { bytes: 99 })
    check(HAND_OFF, { 0: 9 }, { 200: 1 })
  })

  it('is denied to a hand-off that harms a visitor, sends a byte, or never asks Node', () => {
    const isDenied = (message: RegExp, ...args: [Statuses, Statuses, Told?]) =>
      assert.throws(() => check(HAND_OFF, ...args), { constructor: Disagreement, message })
    isDenied(/visitors got 200 \(1\), 502 \(1\)/, { 0: 8 }, { 200: 1, 502: 1 })
    isDenied(/visitors got silence \(1\)/, { 0: 9 }, { 0: 1 })
    isDenied(/got silence \(8\), 444 \(1\) in place of silence/, { 0: 8, 444: 1 }, { 200: 1 })
    isDenied(/1 bytes in place of silence/, { 0: 9 }, { 200: 1 }, { bytes: 1 })
    isDenied(/9 of 10 requests reached Node/, { 0: 9 }, { 200: 1 }, { requests: 9 })
    isDenied(/ETIMEDOUT/, { 0: 9 }, { 200: 1 }, { errors: ['ETIMEDOUT'] })
  })

  it("is denied to handOff: 'close' that is no outage for its client, and to a 403 that is silence", () => {
    assert.throws(() => check(CLOSE, { 0: 9 }, { 200: 1 }), Disagreement)
    assert.throws(() => check(FORBIDDEN, { 0: 9 }, { 200: 1 }), Disagreement)
  })
})

describe('bench: figures', () => {
  it('texts are made of bytes, one as the other', () => {
    const texts = packTexts(['a', '', 'b\xe9c'])
    assert.deepEqual(
      [0, 1, 2].map(i => textAt(texts, i)),
      ['a', '', 'b\xe9c'],
    )
    assert.throws(() => packTexts([]))
  })

  it('a median and its quartiles', () => {
    assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { low: 2, median: 3, high: 4 })
    assert.deepEqual(spreadOf([1, 2]), { low: 1.25, median: 1.5, high: 1.75 })
    assert.throws(() => spreadOf([]))
  })

  it('what was not measured is not met', () => {
    assert.deepEqual(
      [atLeast('', 2, 2).met, atLeast('', 2, 1.9).met, atLeast('', 2, undefined).met],
      [true, false, false],
    )
    assert.deepEqual(
      [atMost('', 2, 2).met, atMost('', 2, 2.1).met, atMost('', 2, undefined).met],
      [true, false, false],
    )
  })
})
