import micromatch from 'micromatch'
import picomatch from 'picomatch'
import { compilePaths } from '../../lib/match/paths/paths.ts'
import { pathOf } from '../../lib/match/paths/request-path.ts'
import { globOptions, globsOf, pathsFor } from '../data/globs.ts'
import { type Candidate, stringAlone } from '../support/candidate.ts'
import { type Finish, race, seriesOf } from '../support/race.ts'
import { atLeast, atMost, type Context, type Result, type Section } from '../support/section.ts'
import { packTexts } from '../support/texts.ts'

const sizes = [5, 100, 1000] as const
const ours = 'drop444'
const compiled = 'micromatch, compiled'
const perRequest = 'micromatch.isMatch a request'
const pico = 'picomatch, compiled'
const combined = 'one combined RegExp'

/** All that pathAllowlist does with a target: what could mean two paths is judged in the time too. */
function judgeOf(globs: readonly string[]): (target: string) => boolean {
  const matches = compilePaths(globs, { caseSensitive: false, strict: false })
  return target => matches(pathOf(target))
}

/** As in `micromatch(list, globs)` a `!` takes away from what stands before it. */
function micromatchList(globs: readonly string[]): (path: string) => boolean {
  const steps = globs.map(glob => {
    const negated = glob.startsWith('!')
    return { negated, matches: micromatch.matcher(negated ? glob.slice(1) : glob, globOptions) }
  })
  return path => {
    let allowed = false
    for (const { negated, matches } of steps) if (negated === allowed && matches(path)) allowed = !negated
    return allowed
  }
}

const oneRegExp = (globs: readonly string[]) =>
  new RegExp(globs.map(glob => micromatch.makeRe(glob, globOptions).source).join('|') || '$^', 'i')

function candidatesFor(globs: readonly string[]): Candidate[] {
  // No glob comes after a `!` that takes away from it: so they can be asked in two lists.
  const listed = globs.filter(glob => !glob.startsWith('!'))
  const taken = globs.filter(glob => glob.startsWith('!')).map(glob => glob.slice(1))
  const isListed = picomatch(listed, globOptions)
  const isTaken = picomatch(taken, globOptions)
  const [listedExpression, takenExpression] = [oneRegExp(listed), oneRegExp(taken)]
  const { isMatch } = micromatch
  return [
    { name: ours, decide: { text: judgeOf(globs) } },
    { name: compiled, decide: { text: micromatchList(globs) } },
    { name: pico, decide: { text: path => isListed(path) && !isTaken(path) } },
    { name: combined, decide: { text: path => listedExpression.test(path) && !takenExpression.test(path) } },
    {
      name: perRequest,
      decide: { text: path => isMatch(path, listed, globOptions) && !isMatch(path, taken, globOptions) },
    },
    {
      name: 'micromatch() on a list of one',
      decide: { text: path => micromatch([path], globs, globOptions).length > 0 },
    },
    stringAlone,
  ]
}

/** Both sizes in the same rounds: what the machine does between two races is no growth. */
async function growth(context: Context, budgetMs: number) {
  const candidates = ([5, 1000] as const).map(count => ({
    name: `${count}`,
    decide: { text: judgeOf(globsOf(count)) },
    texts: packTexts(pathsFor(globsOf(count))),
    exempt: 'compared above',
  }))
  const texts = packTexts(pathsFor(globsOf(5)))
  const finish = await race(context, { at: 'growth', candidates, texts, budgetMs })
  return atMost('1000 globs against 5', 2, finish.ratio('1000', '5'))
}

async function run(context: Context): Promise<Result> {
  const budgetMs = context.budgetMs / (sizes.length + 1)
  const finishes = new Map<number, Finish>()
  for (const count of sizes) {
    const globs = globsOf(count)
    const texts = packTexts(pathsFor(globs))
    const candidates = candidatesFor(globs)
    finishes.set(count, await race(context, { at: `${count} globs`, candidates, texts, budgetMs }))
  }
  const wanted = [2, 20, 300]
  return {
    tables: [{ title: 'Paths', rows: [...finishes.values()].flatMap(finish => finish.rows) }],
    targets: [
      ...sizes.map((count, i) =>
        atLeast(
          `compiled micromatch, ${count} globs`,
          wanted[i] as number,
          finishes.get(count)?.ratio(compiled, ours),
        ),
      ),
      await growth(context, budgetMs),
    ],
    agreement: [...finishes.values()].map(finish => finish.agreement),
    panels: [
      {
        title: 'Paths',
        x: 'globs',
        series: seriesOf(finishes, [ours, compiled, pico, combined, perRequest]),
      },
    ],
    notes: [
      'Half of the paths hit a glob or the list of what is taken away; the others miss by a little or are a scanner’s.',
      'Paths with encoded or hidden characters, with a dot segment or a trailing slash are left out: there drop444 decides ' +
        'otherwise than micromatch on purpose. What it does to find them is in its time.',
    ],
  }
}

export const section: Section = { name: 'paths', title: 'Path allowlist', budgetMs: 45_000, run }
