import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Hostile, load, themes } from '../server/corpus/load.ts'
import { page } from '../support/docs.ts'
import { collectDrops, uncaught } from '../support/events.ts'
import { requireTool } from '../support/tools.ts'
import {
  type Answer,
  askAll,
  type Kind,
  kinds,
  type Server,
  startSubject,
  subjects,
} from './who-says-what.ts'
import { type Answers, says, tableOf } from './who-says-what-table.ts'

const hostile = themes.filter(theme => theme !== 'legitimate')

/** The table of the docs, cell by cell, without its head. */
function statedTable(): string[][] {
  const { prose } = page('docs/what-a-scanner-learns.md')
  const rows = /^\| what is sent \|.*\n\|[-| ]+\|\n((?:\|.*\|\n)+)/m.exec(prose)?.[1] ?? ''
  const lines = rows.split('\n').filter(Boolean)
  return lines.map(line => line.slice(2, -2).split(' | '))
}

/** Asks all servers of a kind at once, theme by theme. */
async function ask(): Promise<Answers> {
  const found = new Map<string, Record<(typeof subjects)[number], readonly Answer[]>>(
    hostile.map(theme => [theme, { node: [], nginx: [], drop444: [] }]),
  )
  for (const subject of subjects) {
    const servers: Server[] = []
    const ports = new Map<Kind, number>()
    try {
      for (const kind of kinds) {
        const server = await startSubject(subject, kind)
        servers.push(server)
        ports.set(kind, server.port)
      }
      for (const [theme, record] of found) record[subject] = await askAll(ports, load<Hostile>(theme))
    } finally {
      for (const server of servers) await server.close()
    }
  }
  return found
}

describe('nginx: who says what to hostile input', { skip: requireTool('nginx') }, () => {
  const drops = collectDrops()
  let answers: Answers
  const all = (subject: (typeof subjects)[number]) => [...answers.values()].flatMap(each => each[subject])

  before(async () => {
    answers = await ask()
  })

  after(() => {
    drops.stop()
    assert.deepEqual(uncaught.splice(0), [])
  })

  test('a protected server: no byte', () => {
    const ours = all('drop444').filter(({ input }) => input.allow === undefined)
    assert.ok(ours.length > 1_000, String(ours.length))
    const said = ours.filter(({ wireBytes, text }) => wireBytes > 0 || text !== '')
    assert.deepEqual(
      said.map(({ kind, input, text }) => `${kind} ${input.name}: ${text.slice(0, 60)}`),
      [],
    )
  })

  test('a protected server: what TLS and HTTP/2 say themselves names nobody', () => {
    const ours = all('drop444').filter(({ input }) => input.allow !== undefined)
    assert.ok(ours.some(({ text }) => text !== ''))
    for (const { text, input } of ours) assert.doesNotMatch(text, /HTTP\/1|express|node/i, input.name)
  })

  test('nginx and Express answer, and say who they are', () => {
    const named = (subject: 'node' | 'nginx', name: RegExp) =>
      all(subject).filter(({ text }) => name.test(text)).length
    assert.ok(named('nginx', /^Server: nginx\/\d/m) > 100)
    assert.ok(named('node', /^X-Powered-By: Express\r$/m) > 10)
    // Nmap knows Node by these very bytes.
    assert.ok(named('node', /^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n$/) > 100)
  })

  test('the docs have it as it is', () => {
    const version = /nginx\/(\d+\.\d+)/.exec(
      all('nginx')
        .map(({ text }) => text)
        .join('\n'),
    )?.[1]
    const stated = statedTable()
    const rows = tableOf(answers).map((row, index) =>
      row.map((found, column) => {
        const cell = stated[index]?.[column] ?? ''
        // What nginx refuses changes from version to version: the table is of 1.22.
        if (column === 3 && version !== '1.22') return /^0/.test(cell) === /^0/.test(found) ? cell : found
        return column > 1 && says(cell, found) ? cell : found
      }),
    )
    assert.deepEqual(
      stated.map(row => `| ${row.join(' | ')} |`),
      rows.map(row => `| ${row.join(' | ')} |`),
    )
  })
})
