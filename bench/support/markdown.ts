import { cellsOf, cellsOfTarget } from './format.ts'
import { agreementLine } from './print.ts'
import type { Report, SectionReport } from './report.ts'

const escapeCell = (cell: string) => cell.replaceAll('|', '\\|')

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

function sectionMarkdown({ title, tables, targets, agreement, notes = [] }: SectionReport): string {
  return [
    `### ${title}`,
    table(['target', 'wanted', 'measured', ''], targets.map(cellsOfTarget)),
    ...notes,
    ...tables.flatMap(each => [
      `**${each.title}**`,
      table(['candidate', 'case', 'median', 'quartiles'], each.rows.map(cellsOf)),
    ]),
    agreement.map(each => `- ${agreementLine(each)}`).join('\n'),
  ]
    .filter(part => part !== '')
    .join('\n\n')
}

/** One run for the page: the figures on it are never typed by hand. */
export function markdown({ machine, versions, sections, seconds, command }: Report): string {
  const { cpu, cores, memory, system, node } = machine
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `\`${command}\` took ${seconds} s on: ${cpu}, ${cores} cores, ${memory}; ${system}; Node ${node}.`,
    `Versions: ${used.join(', ')}.`,
    ...sections.map(sectionMarkdown),
  ].join('\n\n')
}

const markers = ['<!-- one run: begin -->', '<!-- one run: end -->'] as const

/** The page with this run in place of the one that it had. */
export function withRun(page: string, run: string): string {
  const [begin, end] = markers.map(marker => page.indexOf(marker)) as [number, number]
  if (begin < 0 || end < begin) throw new Error(`the page lacks ${markers.join(' and ')}`)
  return `${page.slice(0, begin + markers[0].length)}\n\n${run}\n\n${page.slice(end)}`
}
