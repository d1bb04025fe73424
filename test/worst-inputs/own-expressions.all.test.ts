import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import express5 from 'express'
import express4 from 'express4'
import { djangoRoutes } from '../../lib/django.ts'
import { badAgent, knownRoutes, noHost, onDrop, pathAllowlist, type Rule } from '../../lib/index.ts'
import { cpuTime } from '../support/cpu-time.ts'
import { Judged } from './measure.ts'

/** What a rule may take, beside what the expression alone takes with the same text. */
const LIMIT = 1.2
/** Times to measure again: what another process takes is not in the least of them. */
const TRIES = 8

const text = (length: number) => `${'a'.repeat(length)}!`
const head = (path: string, host = 'localhost', agent = 'a') =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${agent}\r\n\r\n`

interface Case {
  /** The framework's, or the expression's, own work. */
  readonly alone: () => unknown
  readonly rule: () => Rule
  readonly head: string
}

/** Each takes tens of milliseconds: what else a request costs is nothing beside that. */
const cases: Record<string, () => Case> = {
  'a RegExp in pathAllowlist': () => {
    const slow = /^\/(a+)+$/
    return {
      alone: () => slow.test(`/${text(22)}`),
      rule: () => pathAllowlist([slow]),
      head: head(`/${text(22)}`),
    }
  },
  'a RegExp in badAgent': () => {
    const slow = /^(a+)+$/
    const rule = () => badAgent({ patterns: [slow] })
    return { alone: () => slow.test(text(22)), rule, head: head('/', undefined, text(22)) }
  },
  'a RegExp in noHost': () => {
    const slow = /^(a|a)*b$/
    const host = 'a'.repeat(20)
    return {
      alone: () => slow.test(host),
      rule: () => noHost({ serverNames: [slow] }),
      head: head('/', host),
    }
  },
  're_path() of djangoRoutes': () => {
    const slow = /^(a+)+$/
    const rule = () => pathAllowlist(djangoRoutes([{ re: '^(a+)+$' }]))
    // Django asks it with a slash behind it too, as it might redirect there.
    return { alone: () => [slow.test(text(22)), slow.test(`${text(22)}/`)], rule, head: head(`/${text(22)}`) }
  },
}
for (const [version, express] of Object.entries({ express4, express5 })) {
  cases[`a RegExp of ${version}`] = () => {
    const app = (express as unknown as typeof express4)()
    app.get(/^\/(a+)+$/, (_req, res) => res.end())
    const req = { method: 'GET', url: `/${text(22)}`, headers: {} }
    const alone = () =>
      (app as unknown as (...args: unknown[]) => void)({ ...req }, { setHeader() {} }, () => {})
    return { alone, rule: () => pathAllowlist(knownRoutes(app)), head: head(`/${text(22)}`) }
  }
}

describe('an expression of the project’s own takes no more time than without us', () => {
  for (const [name, make] of Object.entries(cases))
    test(name, async () => {
      const one = make()
      const rule = one.rule()
      const judged = await Judged.start()
      const stop = onDrop(() => {})
      let [alone, ours] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
      for (let i = 0; i < TRIES && (i < 2 || ours > alone * LIMIT); i++) {
        alone = Math.min(alone, cpuTime(one.alone))
        ours = Math.min(ours, (await judged.timeOf(rule, one.head)) as number)
      }
      stop()
      await judged.close()
      assert.ok(alone > 2, `${alone} ms are too few to tell`)
      assert.ok(ours <= alone * LIMIT, `${ours.toFixed(1)} ms, not ${alone.toFixed(1)}`)
    })
})
