import { basicUser, type RequestFacts } from '../../request/request-facts.ts'

/** The header fields that are read of a request that can't be parsed. */
const MAX_HEAD = 16_384

const parts = /^([!#$%&'*+.^`|~\w-]+) +(\S+) +HTTP\/(\d\.\d)$/

const fields = {
  authorization: /^authorization:(.*)$/im,
  host: /^host:(.*)$/im,
  referer: /^referer:(.*)$/im,
  'user-agent': /^user-agent:(.*)$/im,
}

/** Reads as much of a broken request as its bytes show. nginx too logs the first line of such a request as it came. */
export function readRawHead(bytes: Buffer): RequestFacts {
  const text = bytes.toString('latin1', 0, MAX_HEAD).replace(/^(?:\r?\n)+/, '')
  const end = text.search(/[\r\n]/)
  const line = end < 0 ? text : text.slice(0, end)
  const [, method = '', url = '', httpVersion = ''] = parts.exec(line) ?? []
  const head = end < 0 ? '' : (text.slice(end).split(/\r?\n\r?\n/, 1)[0] as string)
  // Trimmed afterwards: a lazy match before optional blanks is quadratic in a run of blanks.
  const field = (name: keyof typeof fields) => fields[name].exec(head)?.[1]?.trim()
  return {
    remoteUser: basicUser(field('authorization')),
    method,
    url,
    httpVersion,
    host: field('host'),
    referer: field('referer'),
    userAgent: field('user-agent'),
    requestLine: method === '' ? line : undefined,
  }
}

/** The facts of a connection that sent nothing, or nothing that can still be read. */
export const unknownRequest: RequestFacts = /* @__PURE__ */ Object.freeze({
  remoteUser: undefined,
  method: '',
  url: '',
  httpVersion: '',
  host: undefined,
  referer: undefined,
  userAgent: undefined,
  requestLine: '',
})
