import Table from 'cli-table3'
import { cellsOf, cellsOfTarget } from './format.ts'
import { missedOf, type Report, type SectionReport } from './report.ts'
import type { Agreement } from './section.ts'

export function agreementLine({ at, probes, yes, candidates, exempt }: Agreement): string {
  const share = yes === undefined ? '' : `, ${yes} % of them yes`
  const left = exempt === undefined ? '' : ` Not asked: ${exempt}.`
  return `${at}: ${probes.toLocaleString('en')} probes${share}. Agreed: ${candidates.join(', ')}.${left}`
}

function table(head: string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({ head, style: { head: [], border: [], compact: true }, wordWrap: true })
  made.push(...rows.map(row => [...row]))
  return made.toString()
}

function sectionText({ title, seconds, tables, targets, agreement, notes = [] }: SectionReport): string {
  return [
    `\n${title} (${seconds} s)`,
    ...tables.flatMap(each => [
      `\n${each.title}`,
      table(['candidate', 'case', 'median', 'quartiles'], each.rows.map(cellsOf)),
    ]),
    `\n${table(['target', 'wanted', 'measured', ''], targets.map(cellsOfTarget))}\n`,
    ...agreement.map(agreementLine),
    ...notes,
  ].join('\n')
}

/** The whole run for a terminal. */
export function printed(report: Report): string {
  const { machine, versions, sections, seconds } = report
  const all = sections.flatMap(({ targets }) => targets)
  const missed = missedOf(report)
  const verdict = `${all.length - missed.length} of ${all.length} targets met, in ${seconds} s.`
  const list = missed.map(({ text }) => `MISSED: ${text}`)
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memory}, ${machine.system}, Node ${machine.node}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    ...sections.map(sectionText),
    `\n${report.quick ? '--quick: these figures mean little. ' : ''}${verdict}`,
    ...list,
  ].join('\n')
}
