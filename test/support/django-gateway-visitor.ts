import assert from 'node:assert/strict'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'

export interface Page {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export const browser =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36'

export interface Ask {
  method?: string
  headers?: Record<string, string>
  body?: string | Buffer
}

/** A browser, as far as a server can tell: cookies, the headers of a form, connections that stay. */
export class Visitor {
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true })
  readonly cookies = new Map<string, string>()
  /** What was asked, and the status that came, as Django's log should have it. */
  readonly asked: string[] = []

  constructor(port: number) {
    this.#port = port
  }

  get origin(): string {
    return `http://localhost:${this.#port}`
  }

  async ask(path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Page> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const page = await this.#exchange(path, method, body, {
      Host: `localhost:${this.#port}`,
      'User-Agent': browser,
      Accept: 'text/html,*/*;q=0.8',
      ...(cookie ? { Cookie: cookie } : {}),
      ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
      ...headers,
    })
    for (const line of page.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '' || value === '""') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    this.asked.push(`${method} ${path} ${page.status}`)
    return page
  }

  #exchange(
    path: string,
    method: string,
    body: string | Buffer | undefined,
    headers: Record<string, string>,
  ) {
    return new Promise<Page>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, path, method, headers, agent: this.#agent }
      const asking = request({ ...options, timeout: 10_000 }, response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk)).on('error', reject)
        response.on('end', () => {
          const { statusCode: status = 0, headers: got } = response
          resolve({ status, headers: got, text: Buffer.concat(chunks).toString() })
        })
      })
      asking
        .on('error', reject)
        .on('timeout', () => asking.destroy(new Error(`${method} ${path}: no answer`)))
      asking.end(body)
    })
  }

  /** Sends a form as a browser does. */
  submit(path: string, fields: Record<string, string>): Promise<Page> {
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded',
      Origin: this.origin,
      Referer: this.origin + path,
    }
    return this.ask(path, { method: 'POST', headers, body: new URLSearchParams(fields).toString() })
  }

  /** Sends a form with a file. */
  upload(path: string, fields: Record<string, string>, file: Buffer): Promise<Page> {
    const boundary = '----visitor'
    const part = (name: string) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`
    const texts = Object.entries(fields).map(([name, value]) => `${part(name)}\r\n\r\n${value}\r\n`)
    const head = `${texts.join('')}${part('attachment')}; filename="a.bin"\r\n\r\n`
    const body = Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${boundary}--\r\n`)])
    const headers = { 'Content-Type': `multipart/form-data; boundary=${boundary}`, Origin: this.origin }
    return this.ask(path, { method: 'POST', headers, body })
  }

  end(): void {
    this.#agent.destroy()
  }
}

/** The hidden field of Django's forms. */
export const tokenOf = ({ text }: Page): string =>
  /name="csrfmiddlewaretoken" value="(\w+)"/.exec(text)?.[1] ?? assert.fail(`no CSRF token in ${text}`)
