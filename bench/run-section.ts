/* One section in a process of its own; its result as JSON on stdout. Arguments: its name, and `quick` or nothing. */
import { Disagreement } from './support/agree.ts'
import type { Section } from './support/section.ts'

const [name = '', mode] = process.argv.slice(2)
const quick = mode === 'quick'
const { section } = (await import(`./sections/${name}.ts`)) as { section: Section }
const start = performance.now()
const elapsed = () => Math.round((performance.now() - start) / 1000)
const progress = (text: string) => void process.stderr.write(`${name}, ${elapsed()} s: ${text}\n`)
try {
  const result = await section.run({ quick, budgetMs: quick ? 0 : section.budgetMs, progress })
  process.stdout.write(JSON.stringify({ name, title: section.title, seconds: elapsed(), ...result }))
} catch (error) {
  if (!(error instanceof Disagreement)) throw error
  progress(`DISAGREEMENT: ${error.message}`)
  process.exitCode = 1
}
