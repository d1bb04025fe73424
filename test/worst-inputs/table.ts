import { Judged, leastTime } from './measure.ts'
import type { Row } from './rows.ts'

/** What a row takes at worst, and with which input. */
export interface Measured {
  readonly row: Row
  readonly worst: string
  /** Milliseconds of CPU. */
  readonly time: number
}

async function timesOf({
  make,
  inputs = [],
  works = {},
  stop,
}: Row): Promise<[name: string, time: number][]> {
  const times = Object.entries(works).map(([name, work]): [string, number] => [name, leastTime(work)])
  const judge = make?.()
  if (!judge) return times
  const judged = await Judged.start()
  try {
    for (const { name, head } of inputs) {
      const time = await judged.timeOf(judge, head)
      if (time !== undefined) times.push([name, time])
    }
  } finally {
    stop?.()
    await judged.close()
  }
  return times
}

export async function measure(row: Row): Promise<Measured> {
  const times = await timesOf(row)
  const [worst, time] = times.sort(([, one], [, other]) => other - one)[0] ?? ['none', 0]
  return { row, worst, time }
}

/** As the page shows it. */
export const lineOf = ({ row, worst, time }: Measured) =>
  `| ${row.rule} | ${row.list} | ${worst.replaceAll('|', '\\|')} | ${Math.max(0.1, time).toFixed(1)} |`
