/** What a section may use up, and where it says how far it is. */
export interface Context {
  /** How long the section's timing may last, in milliseconds, preparation not counted. */
  readonly budgetMs: number
  /** `--quick`: a few seconds, to see that everything runs. The figures mean little. */
  readonly quick: boolean
  /** Writes a line of progress to stderr: stdout belongs to the result. */
  progress(text: string): void
}

/** A median and its quartiles, over rounds. */
export interface Spread {
  median: number
  low: number
  high: number
}

/** A line of a table. A candidate that was left out at this size says why in `skipped`. */
export type Row = { candidate: string; at: string; unit: string; note?: string } & (
  | Spread
  | { skipped: string }
)

export interface Table {
  title: string
  rows: Row[]
}

/** A ratio or a limit that was promised. `measured` is undefined where it could not be measured: then it is not met. */
export interface Target {
  text: string
  sense: 'at least' | 'at most'
  wanted: number
  unit: string
  measured: number | undefined
  met: boolean
  /** Why it was not measured, or what the figure means. */
  note?: string
}

/** All candidates answered all probes alike; a section throws a `Disagreement` before it times anything if not. */
export interface Agreement {
  /** The case that they were asked for. */
  at: string
  probes: number
  /** Of how many of them, in percent, the answer is yes. */
  yes?: number
  candidates: string[]
  /** Candidates or probes that were left out, and why. */
  exempt?: string
}

/** Nanoseconds a decision over size: one panel of the plot, both axes logarithmic. */
export interface Panel {
  title: string
  /** What is counted: `'ranges'`. */
  x: string
  series: { name: string; points: [size: number, cost: number][] }[]
}

export interface Result {
  tables: Table[]
  targets: Target[]
  agreement: Agreement[]
  panels?: Panel[]
  /** Sentences under the tables: what the figures hold and what they don't. */
  notes?: string[]
}

/** Each file under `sections/` exports one as `section`. It runs in a process of its own, with `--expose-gc`. */
export interface Section {
  /** What `--only` takes. */
  name: string
  title: string
  /** Its part of the time of a whole run, in milliseconds. */
  budgetMs: number
  run(context: Context): Promise<Result>
}

/** A row of one figure that has no rounds: bytes, a longest pause. */
export const figure = (candidate: string, at: string, unit: string, value: number): Row => ({
  ...{ candidate, at, unit },
  ...{ low: value, median: value, high: value },
})

/** A target that is met by a big figure: a ratio to a peer. */
export const atLeast = (text: string, wanted: number, measured: number | undefined, unit = '×'): Target => ({
  ...{ text, sense: 'at least', wanted, unit, measured },
  met: measured !== undefined && measured >= wanted,
})

/** A target that is met by a small figure: bytes, milliseconds, growth. */
export const atMost = (text: string, wanted: number, measured: number | undefined, unit = '×'): Target => ({
  ...{ text, sense: 'at most', wanted, unit, measured },
  met: measured !== undefined && measured <= wanted,
})
