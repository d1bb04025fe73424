import { type DropEvent, onDrop, type Request, type Response, type Rule } from '../../../lib/index.ts'

export interface FakeRequest {
  address: string
  url: string
  method: string
}

/** The reason that a synchronous dry-run rule finds against a request, or undefined; the request must pass either way. */
export function verdictOf(rule: Rule, { address, url, method }: FakeRequest): string | undefined {
  const req = { headers: {}, rawHeaders: [], httpVersion: '1.1', httpVersionMajor: 1, url, method }
  const events: DropEvent[] = []
  const stop = onDrop(event => events.push(event))
  let passed = 0
  rule(
    Object.assign(req, { socket: { remoteAddress: address } }) as unknown as Request,
    { headersSent: false } as unknown as Response,
    error => {
      if (error) throw error
      passed++
    },
  )
  stop()
  if (passed !== 1) throw new Error(`next was called ${passed} times`)
  return events[0]?.reason
}
