import type { Bucket } from '../../../counting/leaky-bucket.ts'

/** One key, and the limit that it is counted by. */
export interface Counted {
  /** The whole key, as Redis has it. */
  readonly key: string
  readonly bucket: Bucket
  readonly cost: number
}

/** One request that is to be decided on, by limits whose keys are in one slot. */
export interface LimitRequest {
  readonly asks: readonly Counted[]
  /** False if the request is only asked about, not counted. */
  readonly counts: boolean
  /** When it was asked, by `performance.now()`. */
  readonly at: number
  /** Called with the script's reply and the place where this request's keys begin in it. */
  answer(values: readonly number[], from: number): void
  fail(error: Error): void
}

function isSame({ asks, counts }: LimitRequest, other: LimitRequest): boolean {
  if (asks.length !== other.asks.length || counts !== other.counts) return false
  for (let i = 0; i < asks.length; i++) {
    const { bucket, cost } = asks[i] as Counted
    const { bucket: its, cost: itsCost } = other.asks[i] as Counted
    if (cost !== itsCost || bucket.rate !== its.rate || bucket.burst !== its.burst) return false
  }
  return true
}

/** The arguments of the script: see {@link limitScript}. */
export function argumentsOf(requests: readonly LimitRequest[], deadline: number, unmoved: number): string[] {
  const args = [String(deadline), String(unmoved)]
  const { asks, counts } = requests[0] as LimitRequest
  if (requests.length === 1 && asks.length === 1 && counts) {
    const { bucket, cost } = asks[0] as Counted
    args.push(String(bucket.rate), String(bucket.burst))
    if (cost > 1) args.push(addedBy(cost))
    return args
  }
  for (let i = 0; i < requests.length; ) {
    const first = requests[i] as LimitRequest
    let run = 1
    while (i + run < requests.length && isSame(first, requests[i + run] as LimitRequest)) run++
    args.push(String(run), String(first.asks.length), first.counts ? '1' : '0')
    for (const { bucket, cost } of first.asks) {
      args.push(String(bucket.rate), String(bucket.burst), addedBy(cost))
    }
    i += run
  }
  return args
}

const addedBy = (cost: number) => String((cost - 1) * 1000)

export function keysOf(requests: readonly LimitRequest[]): string[] {
  const keys: string[] = []
  for (const { asks } of requests) for (const { key } of asks) keys.push(key)
  return keys
}

/** Splits requests into calls of at most `maxKeys` keys; the keys of one request stay together. */
export function* splitByKeys(requests: readonly LimitRequest[], maxKeys: number): Generator<LimitRequest[]> {
  let part: LimitRequest[] = []
  let keys = 0
  for (const request of requests) {
    if (keys > 0 && keys + request.asks.length > maxKeys) {
      yield part
      part = []
      keys = 0
    }
    part.push(request)
    keys += request.asks.length
  }
  if (keys > 0) yield part
}
