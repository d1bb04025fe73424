/** How long an answer may take, in milliseconds. No request waits for it. */
const TIMEOUT = 1_000
/** With so many calls that were given up, but may still wait in the client, only one in a while is made. */
const MAX_STRAYS = 3
const STRAY_PAUSE = 10_000

/** Calls that answer in time, or fail. */
export class Calls {
  /** Calls that were given up, and have not come back since one was answered in time. */
  readonly #strays = new Set<object>()
  #lastStray = 0

  /** The client keeps what it can't send: it is better to wait a while. */
  get isClogged(): boolean {
    return this.#strays.size >= MAX_STRAYS && performance.now() - this.#lastStray < STRAY_PAUSE
  }

  /** What comes after the timeout is neither waited for nor believed. */
  async inTime<T>(call: () => Promise<T>): Promise<T> {
    let isAnswered = false
    const stray = {}
    let deadline: NodeJS.Timeout | undefined
    const answer = Promise.resolve()
      .then(call)
      .finally(() => {
        isAnswered = true
        this.#strays.delete(stray)
      })
    // Where it loses the race it rejects for nobody.
    answer.catch(() => {})
    const late = new Promise<never>((_, reject) => {
      const giveUp = () => {
        if (isAnswered) return
        this.#strays.add(stray)
        this.#lastStray = performance.now()
        reject(new Error(`no answer within ${TIMEOUT} ms`))
      }
      // After a long turn of our own the timer is due before what has arrived in the meantime is read.
      deadline = setTimeout(() => setImmediate(() => setImmediate(giveUp)), TIMEOUT).unref()
    })
    try {
      const value = await Promise.race([answer, late])
      this.#strays.clear()
      return value
    } finally {
      clearTimeout(deadline)
    }
  }
}
