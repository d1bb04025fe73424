import { shared } from '../runtime/copies.ts'
import type { Request } from './http-types.ts'
import { stateOf } from './request-state.ts'

/** Longer texts are judged each time, to limit the memory that a connection takes. */
const MOST_CHARACTERS = 512

const memory = /* @__PURE__ */ shared('memory', () => ({ places: 0 }))

/** Keeps the last verdict on the connection, because a client sends the same text in each of its requests. */
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
