import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ChildFailed, inChild } from './support/in-child.ts'
import { machine, versions } from './support/machine.ts'
import { markdown, withRun } from './support/markdown.ts'
import { plot } from './support/plot.ts'
import { printed } from './support/print.ts'
import { missedOf, type Report, type SectionReport } from './support/report.ts'

const names = ['cidr', 'rate-limit', 'redis', 'agents', 'paths', 'request', 'dropped', 'proxy', 'startup']

const help = `npm run bench -- [options]

Compares drop444 with its peers side by side, a section after the other:
${names.join(', ')}.

  --only <names>   these sections alone: --only cidr,paths
  --json           the result as JSON on stdout, and nothing else there
  --plot <file>    also writes how cost grows with size, as SVG
  --write-docs     a whole run into docs/performance.md and docs/performance.svg
  --strict         exits 1 if a target is missed (without it: 0, it is only printed)
  --quick          a few seconds: to see that it runs, the figures mean little
  --help           this

It exits 1 if two candidates disagree on a probe, 2 on options that it doesn't know.`

const options = {
  only: { type: 'string' },
  json: { type: 'boolean', default: false },
  plot: { type: 'string' },
  'write-docs': { type: 'boolean', default: false },
  strict: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

function readArguments() {
  const { values } = parseArgs({ options })
  const chosen = values.only?.split(',').map(name => name.trim()) ?? names
  for (const name of chosen)
    if (!names.includes(name)) throw new Error(`there is no section ${name}; there are: ${names.join(', ')}`)
  if (values['write-docs'] && (values.only !== undefined || values.quick))
    throw new Error('--write-docs takes a whole run: neither --only nor --quick')
  return { ...values, chosen }
}

/** One section after the other, each in a process of its own: what one leaves in memory is not the next one's. */
async function measure(chosen: readonly string[], quick: boolean): Promise<Report> {
  const start = performance.now()
  const sections: SectionReport[] = []
  const file = new URL('run-section.ts', import.meta.url)
  for (const name of chosen) sections.push(await inChild(file, name, ...(quick ? ['quick'] : [])))
  const seconds = Math.round((performance.now() - start) / 1000)
  const command = [
    'npm run bench',
    ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : []),
  ].join(' ')
  return { machine: machine(), versions: versions(), command, quick, seconds, sections }
}

function readOrExit() {
  try {
    return readArguments()
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}

const { chosen, quick, json, strict, plot: file, 'write-docs': writesDocs, help: asksHelp } = readOrExit()
if (asksHelp) {
  console.log(help)
  process.exit()
}
const report = await measure(chosen, quick).catch(error => {
  if (!(error instanceof ChildFailed)) throw error
  // It has said itself what is wrong.
  console.error(error.message)
  process.exit(1)
})
console.log(json ? JSON.stringify(report, null, 2) : printed(report))
const panels = report.sections.flatMap(section => section.panels ?? [])
if (file !== undefined) writeFileSync(file, plot(panels))
if (writesDocs) {
  const docs = new URL('../docs/', import.meta.url)
  writeFileSync(new URL('performance.svg', docs), plot(panels))
  const page = new URL('performance.md', docs)
  writeFileSync(page, withRun(readFileSync(page, 'utf8'), markdown(report)))
}
if (strict && missedOf(report).length > 0) process.exitCode = 1
