import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type DropEvent, onDrop } from '../../lib/index.ts'
import { rulesAgainst } from './spoofing-cell.ts'
import { type Place, places, startAt } from './spoofing-columns.ts'
import { requestOf } from './spoofing-requests.ts'
import {
  ATTACKER,
  believedOtherwise,
  CLAIMED,
  EDGE,
  PROXY,
  type Setting,
  settings,
  type Way,
  walk,
} from './spoofing-settings.ts'
import { type Attempt, attempts } from './spoofing-table.ts'

/** The peer has no address: one proxy behind the socket, which writes down the attacker. */
const way: Way = { name: 'one proxy', from: '', chain: ['', ATTACKER], appends: true }
const plain: Attempt = { name: 'plain', forwarded: [], claims: [] }
const NONE = 'none'

/** The settings, and some that Express's users write for a socket. */
const onSocket: (Pick<Setting, 'name' | 'trust'> & { judged: string })[] = [
  ...settings.map(({ name, trust }) => ({ name, trust, judged: judgedOf(name) })),
  {
    name: 'a function that knows of sockets',
    trust: (address: string) => [undefined, PROXY, EDGE].includes(address as string | undefined),
    judged: ATTACKER,
  },
]

function judgedOf(name: string): string {
  if (name === '1') return ATTACKER
  return ['2', 'a function: true', 'true'].includes(name) ? CLAIMED : NONE
}

function send(path: string, bytes: string): Promise<string> {
  return new Promise(resolve => {
    let seen = ''
    const socket = connect(path, () =>
      socket.write(bytes.replace('\r\n', '\r\nConnection: close\r\n'), 'latin1'),
    )
    socket.on('data', chunk => {
      seen += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(/^HTTP\/1\.1 (\d+)/.exec(seen)?.[1] ?? (seen === '' ? 'silence' : seen)))
  })
}

/** Each request's status, and the reason and client of the drop. */
async function ask(place: Place, trust: Setting['trust'], rule: string, requests: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'drop444-'))
  const path = join(folder, 's')
  const make = rulesAgainst[rule] as (typeof rulesAgainst)[string]
  const server = await startAt(
    place,
    trust,
    options => [make(ATTACKER, options)],
    (_req, res) => res.end('fine'),
    path,
  )
  let event: DropEvent | undefined
  const stop = onDrop(seen => {
    event = seen
  })
  const found: string[] = []
  for (const request of requests) {
    event = undefined
    const status = await send(path, request)
    const { reason, clientAddress } = (event ?? {}) as Partial<DropEvent>
    found.push(`${status} ${reason} ${clientAddress}`)
  }
  stop()
  await server.close()
  rmSync(folder, { recursive: true })
  return found
}

const reasons = { denyCidr: 'denied-address', allowCidr: 'unlisted-address', rateLimit: 'rate-limited' }
const onWindows = process.platform === 'win32' && 'no unix sockets'

for (const place of places) {
  describe(`on a unix-domain socket: ${place.name}`, { skip: onWindows }, () => {
    for (const { name, trust, judged } of onSocket) {
      for (const [rule, reason] of Object.entries(reasons)) {
        if (judged === CLAIMED) continue
        test(`${name}, ${rule}: ${judged} is judged, whatever the header says`, async () => {
          const requests = [plain, ...attempts].map(attempt => requestOf(attempt, way))
          const found = (await ask(place, trust, rule, requests)).slice(1)
          const expected = judged === NONE ? 'silence no-address undefined' : `444 ${reason} ${ATTACKER}`
          const wrong = attempts.flatMap((attempt, i) =>
            found[i] === expected ? [] : [`${attempt.name}: ${found[i]}`],
          )
          assert.deepEqual(wrong, [])
        })
      }

      test(`${name}: without the header there is no address`, async () => {
        const bare = requestOf(plain, { ...way, chain: [''] })
        const expected = `${judged === NONE ? 'silence' : '444'} no-address undefined`
        for (const rule of Object.keys(reasons))
          assert.deepEqual(await ask(place, trust, rule, [bare]), [expected])
      })

      if (judged !== CLAIMED) continue
      test(`${name}: the client is believed`, async () => {
        const found = await ask(
          place,
          trust,
          'denyCidr',
          attempts.map(attempt => requestOf(attempt, way)),
        )
        const passes = '200 undefined undefined'
        const judgedAs: Record<string, string> = {
          [ATTACKER]: `444 denied-address ${ATTACKER}`,
          undefined: '444 no-address undefined',
        }
        for (const [i, { name: text, claims }] of attempts.entries()) {
          const expected = judgedAs[`${walk(['', ATTACKER, ...claims], { trust })}`] ?? passes
          const others = believedOtherwise({ trust }, claims).map(address => judgedAs[`${address}`] ?? passes)
          assert.ok(
            [expected, ...others].includes(found[i] as string),
            `${text}: ${found[i]}, not ${expected}`,
          )
        }
      })
    }

    test('a function that does not know of sockets throws: nobody passes', async () => {
      const trust = (address: string) => address.startsWith('127.')
      for (const rule of Object.keys(reasons)) {
        const [found] = await ask(place, trust, rule, [requestOf(plain, way)])
        assert.match(found as string, /^(500 undefined|silence rule-error) /)
      }
    })
  })
}
