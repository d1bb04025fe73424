import type { Answer, Subject } from './who-says-what.ts'

/** What each file of the corpus sends. */
const labels: Readonly<Record<string, string>> = {
  'request-line': 'request lines that are none',
  headers: 'broken header lines',
  framing: 'request smuggling',
  body: 'broken bodies',
  host: 'no Host, two, or a bad one',
  'expect-connect': 'odd `Expect`, `CONNECT`, `OPTIONS *`',
  size: 'too long lines and heads',
  pipelines: 'garbage behind a good request',
  'other-protocols': 'greetings of other protocols',
  tls: 'no TLS, or bad TLS, on a TLS port',
  http2: 'bad HTTP/2 frames behind its preface',
}

/** What of itself a server has told; the versions of names are left out, as the tests run with several. */
function toldBy({ text, kind }: Answer): string[] {
  const codes = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => `${code}`)
  const names = []
  if (/^X-Powered-By: Express\r$/m.test(text)) names.push('`Express`')
  if (/nginx\/\d/.test(text)) names.push('`nginx` and its version')
  if (codes.length > 0) return [...codes, ...names]
  if (text[0] === '\x15') return ['TLS alerts']
  if (text[0] === '\x16') return ['TLS handshakes']
  if (kind === 'http2' || kind === 'h2c') return ['HTTP/2 frames']
  return ['a bare page', ...names]
}

/** Inputs that got an answer from one server at least, and what the answers tell. */
function cell(answers: readonly Answer[]): string {
  const answered = answers.filter(({ text }) => text !== '')
  const count = new Set(answered.map(({ input }) => input.name)).size
  const told = [...new Set(answered.flatMap(toldBy))].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return count === 0 ? '0' : `${count}: ${told.join(', ')}`
}

/** Status codes, other things, names. */
const rank = (told: string) => (/^\d/.test(told) ? 0 : told.startsWith('`') ? 2 : 1)

export type Answers = ReadonlyMap<string, Readonly<Record<Subject, readonly Answer[]>>>

/** The rows by theme, as the docs have them. */
export function tableOf(answers: Answers): string[][] {
  const themes = [...Object.keys(labels), ...[...answers.keys()].filter(theme => !(theme in labels))]
  return themes.map(theme => {
    const { node = [], nginx = [], drop444 = [] } = answers.get(theme) ?? {}
    const inputs = new Set(node.map(({ input }) => input.name)).size
    return [labels[theme] ?? theme, `${inputs}`, cell(node), cell(nginx), cell(drop444)]
  })
}

const counted = /^(\d+)(?: to (\d+))?(.*)$/

/** Whether a cell says what was found; a range says it for several versions. */
export function says(stated: string, found: string): boolean {
  const [, low = '', high = low, told] = counted.exec(stated) ?? []
  const [, count, , foundTold] = counted.exec(found) ?? []
  return Number(low) <= Number(count) && Number(count) <= Number(high) && told === foundTold
}
