import type { Result } from './section.ts'

/** What `run-section.ts` prints. */
export interface SectionReport extends Result {
  name: string
  title: string
  seconds: number
}

/** One run: what `--json` prints. */
export interface Report {
  machine: { cpu: string; cores: number; memory: string; system: string; node: string }
  versions: Record<string, string>
  command: string
  quick: boolean
  seconds: number
  sections: SectionReport[]
}

export const missedOf = ({ sections }: Report) =>
  sections.flatMap(({ targets }) => targets.filter(({ met }) => !met))
