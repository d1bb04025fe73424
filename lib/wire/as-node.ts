import { ServerResponse } from 'node:http'

const { prototype: node } = ServerResponse

/** Sends Node's own answer to an HTTP/1.1 request without Host, the same to the byte. */
export function answerAsNode(res: ServerResponse): void {
  res.writeHead(400, ['Connection', 'close'])
  res.end()
}

type Method = (this: ServerResponse, ...args: unknown[]) => unknown

/** Replaces the app's answer with Node's, unless `isOurs` returns true when the app answers. */
export function answerAsNodeUnless(res: ServerResponse, isOurs: () => boolean): void {
  let isAnswered = false

  function replace(): void {
    isAnswered = true
    for (const name of res.getHeaderNames()) res.removeHeader(name)
    res.statusMessage = ''
    ;(node.writeHead as Method).call(res, 400, ['Connection', 'close'])
    ;(node.end as Method).call(res)
  }

  for (const method of ['writeHead', 'write', 'end'] as const) {
    const answer = (...args: unknown[]) => {
      if (!isAnswered && isOurs()) return (node[method] as Method).apply(res, args)
      if (!isAnswered) replace()
      return method === 'write' ? true : res
    }
    Object.defineProperty(res, method, { value: answer, configurable: true, writable: true })
  }
}
