import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { type How, translate } from '../../lib/routes/django/regex/translate.ts'
import { findTool, requireTool } from '../support/tools.ts'
import { patterns, subjects } from './django-regex-cases.ts'

const script = `
import json, re, sys, warnings
warnings.simplefilter('ignore')
def end(match):
    return match.end() if match else -1
patterns, subjects = json.load(sys.stdin)
print(json.dumps([[[end(getattr(re.compile(p), how)(s)) for s in subjects] for how in ('search', 'fullmatch')] for p in patterns]))
`

function ask(): number[][][] {
  const { stdout, stderr, status } = spawnSync(findTool('python3') ?? 'python3', ['-c', script], {
    input: JSON.stringify([patterns, subjects]),
    encoding: 'utf8',
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
    maxBuffer: 64 << 20,
    timeout: 30_000,
  })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

/** Where the match ends; Python counts code points. */
function endOf(pattern: RegExp, subject: string): number {
  const match = pattern.exec(subject)
  return match ? [...match[0]].length : -1
}

describe("a pattern of Python's in JavaScript", () => {
  it('matches what Python matches', { skip: requireTool('python3') }, () => {
    const answers = ask()
    const wrong: string[] = []
    const hows: readonly How[] = ['search', 'fullmatch']
    for (const [i, pattern] of patterns.entries()) {
      for (const [j, how] of hows.entries()) {
        const translated = new RegExp(translate(pattern, how).source, 'u')
        for (const [k, subject] of subjects.entries()) {
          const [ours, theirs] = [endOf(translated, subject), answers[i]?.[j]?.[k]]
          if (ours !== theirs)
            wrong.push(`${how} ${pattern} in ${JSON.stringify(subject)}: ${ours}, not ${theirs}`)
        }
      }
    }
    assert.deepEqual(wrong, [])
  })

  it('has its groups under their names', () => {
    const { names } = translate('(a)(?P<b>b(?:c)(?P<d>d))', 'search')
    assert.deepEqual(
      [...names],
      [
        ['b', 2],
        ['d', 3],
      ],
    )
  })
})
