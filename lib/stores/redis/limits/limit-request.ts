import type { Bucket } from '../../../counting/leaky-bucket.ts'

/** One key, and the limit that it is counted by. */
export interface Counted {
  /** As it is in Redis. */
  readonly key: string
  readonly bucket: Bucket
  readonly cost: number
}

/** One request that is to be decided on, by limits whose keys are in one slot. */
export interface Question {
  readonly asks: readonly Counted[]
  /** False: only asks. */
  readonly counts: boolean
  /** When it was asked, by `performance.now()`. */
  readonly at: number
  /** What the script said of each key, from this place on. */
  answer(values: readonly number[], from: number): void
  fail(error: Error): void
}

function isSame({ asks, counts }: Question, other: Question): boolean {
  if (asks.length !== other.asks.length || counts !== other.counts) return false
  for (let i = 0; i < asks.length; i++) {
    const { bucket, cost } = asks[i] as Counted
    const { bucket: its, cost: itsCost } = other.asks[i] as Counted
    if (cost !== itsCost || bucket.rate !== its.rate || bucket.burst !== its.burst) return false
  }
  return true
}

/** What the script is given: see there. */
export function argumentsOf(questions: readonly Question[], deadline: number, unmoved: number): string[] {
  const args = [String(deadline), String(unmoved)]
  const { asks, counts } = questions[0] as Question
  if (questions.length === 1 && asks.length === 1 && counts) {
    const { bucket, cost } = asks[0] as Counted
    args.push(String(bucket.rate), String(bucket.burst))
    if (cost > 1) args.push(addedBy(cost))
    return args
  }
  for (let i = 0; i < questions.length; ) {
    const first = questions[i] as Question
    let run = 1
    while (i + run < questions.length && isSame(first, questions[i + run] as Question)) run++
    args.push(String(run), String(first.asks.length), first.counts ? '1' : '0')
    for (const { bucket, cost } of first.asks) {
      args.push(String(bucket.rate), String(bucket.burst), addedBy(cost))
    }
    i += run
  }
  return args
}

const addedBy = (cost: number) => String((cost - 1) * 1000)

export function keysOf(questions: readonly Question[]): string[] {
  const keys: string[] = []
  for (const { asks } of questions) for (const { key } of asks) keys.push(key)
  return keys
}

/** The questions of one call, at most so many keys: none is torn apart. */
export function* splitByKeys(questions: readonly Question[], maxKeys: number): Generator<Question[]> {
  let part: Question[] = []
  let keys = 0
  for (const question of questions) {
    if (keys > 0 && keys + question.asks.length > maxKeys) {
      yield part
      part = []
      keys = 0
    }
    part.push(question)
    keys += question.asks.length
  }
  if (keys > 0) yield part
}
