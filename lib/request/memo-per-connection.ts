import { shared } from '../runtime/copies.ts'
import type { Request } from './http-types.ts'
import { stateOf } from './request-state.ts'

/** Longer texts are judged anew: a connection is to hold no more. */
const MOST_CHARACTERS = 512

const memory = /* @__PURE__ */ shared('memory', () => ({ places: 0 }))

/** One client says the same in each request of its connection: so the verdict on what it said last is kept with it. */
export function memoPerConnection<T>(judge: (text: string) => T): (req: Request, text: string) => T {
  const place = memory.places++

  return function judgeOnce(req, text) {
    const { connection } = stateOf(req)
    if (!connection || text.length > MOST_CHARACTERS) return judge(text)
    const last = connection.memory[place] as { text: string; verdict: T } | undefined
    if (last?.text === text) return last.verdict
    const verdict = judge(text)
    connection.memory[place] = { text, verdict }
    return verdict
  }
}
