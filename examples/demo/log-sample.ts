import { readFileSync } from 'node:fs'
import type { Ask } from './client.ts'

/** Apache's and nginx's combined format. */
const combined =
  /^(\S+) \S+ \S+ \[(\d+)\/(\w+)\/(\d+):([\d:]+) (\S+)\] "(\S+ \S+ HTTP\/1\.[01])" \d+ \S+ "([^"]*)" "([^"]*)"$/

interface Entry {
  readonly time: number
  readonly ask: Ask
}

/**
 * The client 66.249.73.135 of the log asks from 127.249.73.135: a loopback address of its own, so that rules that go by
 * address see the clients apart.
 */
function loopbackOf(address: string): string {
  return address.replace(/^\d+/, '127')
}

function readEntry(line: string, expect: string): Entry {
  const match = combined.exec(line)
  if (!match) throw new Error(`no line of an access log: ${line}`)
  const [, address = '', day, month, year, clock, zone, request = '', referer = '', agent = ''] = match
  const headers: [string, string][] = [['Host', 'demo.localhost']]
  // The log writes `-` for a header that was not sent.
  if (agent !== '-') headers.push(['User-Agent', agent])
  if (referer !== '-') headers.push(['Referer', referer])
  return {
    time: Date.parse(`${day} ${month} ${year} ${clock} ${zone}`),
    ask: { from: loopbackOf(address), line: request, headers, expect },
  }
}

/** The requests of `access-sample.log` in the order of their time. A heading there says what must become of its lines. */
export function readSample(): Ask[] {
  const entries: Entry[] = []
  let expect: string | undefined
  for (const line of readFileSync(new URL('access-sample.log', import.meta.url), 'utf8').split('\n')) {
    const heading = /^# .* => (\w+)$/.exec(line)
    if (heading) expect = heading[1]
    if (line === '' || line.startsWith('#')) continue
    if (expect === undefined) throw new Error('the first line stands under no heading')
    entries.push(readEntry(line, expect))
  }
  return entries.sort((a, b) => a.time - b.time).map(({ ask }) => ask)
}
