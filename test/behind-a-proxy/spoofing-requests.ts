import { RawClient, type RawOptions } from '../support/raw-client.ts'
import type { Way } from './spoofing-settings.ts'
import type { Attempt } from './spoofing-table.ts'

const NAME = 'X-Forwarded-For'

/** A visitor who sends no header of the kind, or is behind a proxy of his own. */
export const sane: readonly Attempt[] = [
  { name: 'no header', forwarded: [], claims: [] },
  { name: 'a proxy at home', forwarded: ['192.168.1.5'], claims: ['192.168.1.5'] },
]

const plainly = (address: string) => address

/** The header lines that reach the server. */
export function forwardedLines(
  { forwarded, header = NAME }: Attempt,
  { chain, appends, spell = plainly }: Way,
): string[] {
  const written = chain.slice(1).reverse().map(spell)
  if (!appends) {
    return [
      ...forwarded.map(value => `${header}: ${value}`),
      ...written.map(address => `${NAME}: ${address}`),
    ]
  }
  if (written.length === 0) return forwarded.map(value => `${header}: ${value}`)
  return [`${NAME}: ${[...forwarded, ...written].join(', ')}`]
}

/** The bytes of a request with such headers, as they come out of the last proxy. */
export function requestOf(attempt: Attempt, way: Way): string {
  const fields = ['Host: a', 'User-Agent: raw/1', ...(attempt.others ?? []), ...forwardedLines(attempt, way)]
  return `GET / HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${attempt.body ?? ''}`
}

/** What was answered: `silence`, or a status and a body. */
export interface Answer {
  readonly status: string
  readonly body: string
}

/** Asks over one connection, as proxies do; over a new one where the server has closed it. */
export class Line {
  readonly #to: RawOptions
  #client: RawClient | undefined

  constructor(port: number, localAddress: string) {
    this.#to = { port, localAddress }
  }

  async ask(bytes: string): Promise<Answer> {
    if (this.#client?.end !== 'open') {
      this.close()
      this.#client = await RawClient.open(this.#to)
    }
    const client = this.#client as RawClient
    const before = client.received
    client.send(bytes)
    let answer: Answer | undefined
    await client.until(() => {
      answer = client.end === 'open' ? read(client.text.slice(before)) : silence(client, before)
      return answer !== undefined
    }, 5_000)
    return answer ?? { status: 'no end', body: client.text.slice(before) }
  }

  close(): void {
    this.#client?.destroy()
    this.#client = undefined
  }
}

/** At the end of a connection, either nothing was sent or a last answer. */
function silence(client: RawClient, before: number): Answer {
  if (client.received === before) return { status: 'silence', body: '' }
  return read(client.text.slice(before)) ?? { status: 'half an answer', body: '' }
}

/** A whole answer at the beginning of the text. */
function read(text: string): Answer | undefined {
  const [, head, status] = /^(HTTP\/1\.1 (\d+)[\s\S]*?)\r\n\r\n/.exec(text) ?? []
  if (head === undefined || status === undefined) return undefined
  const body = text.slice(head.length + 4)
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
  return body.length < length ? undefined : { status, body }
}
