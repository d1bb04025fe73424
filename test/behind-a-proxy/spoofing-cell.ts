import {
  allowCidr,
  type DropEvent,
  denyCidr,
  onDrop,
  type Rule,
  rateLimit,
  type TrustProxy,
} from '../../lib/index.ts'
import { type Place, startAt } from './spoofing-columns.ts'
import { Line, requestOf, sane } from './spoofing-requests.ts'
import type { Setting, Way } from './spoofing-settings.ts'
import type { Attempt } from './spoofing-table.ts'

type Options = { trustProxy?: TrustProxy }

/** All there are, but for one IPv4 address: so that whoever an attacker is taken for passes. */
function allBut(address: string): string[] {
  const word = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const dotted = (value: number) => [24, 16, 8, 0].map(by => (value >>> by) & 255).join('.')
  const below = `0.0.0.0-${dotted(word - 1)}`
  return [below, `${dotted(word + 1)}-255.255.255.255`, '::/1', '8000::/1']
}

/** Nobody who takes part is any of these: an attacker may want to be. */
const excepted = ['192.0.2.1', '::1', '172.16.0.0/12']

/** Rules that drop an address, and nobody else. */
export const rulesAgainst: Record<string, (address: string, options: Options) => Rule> = {
  denyCidr: (address, options) => denyCidr([address], options),
  allowCidr: (address, options) => allowCidr(allBut(address), options),
  rateLimit: (_address, options) => rateLimit({ ...options, rate: '1r/m', now: () => 0, except: excepted }),
}

export interface Cell {
  readonly place: Place
  readonly setting: Setting
  readonly way: Way
  /** Whom the rule has to judge, whatever the headers say. */
  readonly judged: string
}

/** What went wrong in a cell, by attempt; nothing, if no attempt got past the rule. */
export async function violationsOf(
  cell: Cell,
  rule: string,
  attempts: readonly Attempt[],
): Promise<string[]> {
  const { place, setting, way, judged } = cell
  const make = rulesAgainst[rule] as (address: string, options: Options) => Rule
  const server = await startAt(
    place,
    setting.trust,
    options => [make(judged, options)],
    (_req, res) => res.end('fine'),
  )
  const line = new Line(server.port, way.from)
  let events: DropEvent[] = []
  const stop = onDrop(event => event.rule === rule && events.push(event))
  const wrong: string[] = []
  const plain = { name: 'plain', forwarded: [], claims: [] }
  if (rule === 'rateLimit') await line.ask(requestOf(plain, way))
  // A peer that is trusted is told, and closes by itself.
  const expected = isTrusted(cell) ? '444' : 'silence'
  for (const attempt of attempts) {
    events = []
    const { status } = await line.ask(requestOf(attempt, way))
    const [event] = events
    const seen = `${status} ${events.length} ${event?.clientAddress}`
    if (seen !== `${expected} 1 ${judged}`) wrong.push(`${attempt.name}: ${seen} ${event?.reason ?? ''}`)
  }
  line.close()
  wrong.push(...(await visitors(cell, server.port)))
  stop()
  await server.close()
  return wrong
}

/** A rule that drops everybody lets no attacker past either: those who are told apart have to get through. */
async function visitors(cell: Cell, port: number): Promise<string[]> {
  const { way, judged } = cell
  const wrong: string[] = []
  const expected = judged === way.chain.at(-1) ? '200' : isTrusted(cell) ? '444' : 'silence'
  for (const [index, attempt] of sane.entries()) {
    const own = visitorsWay(way, index)
    const line = new Line(port, own.from)
    const { status } = await line.ask(requestOf(attempt, own))
    if (status !== expected) wrong.push(`a visitor, ${attempt.name}: ${status}`)
    line.close()
  }
  return wrong
}

/** Behind a proxy that is believed another address than the peer's is judged. */
export const isTrusted = ({ way, judged }: Pick<Cell, 'way' | 'judged'>) => judged !== way.chain[0]

/** The way of a visitor who is nobody's enemy, where those of the attacker lead. */
export function visitorsWay(way: Way, index = 0): Way {
  const direct = `127.0.0.${7 + index}`
  if (way.chain.length === 1) return { ...way, from: direct, chain: [direct] }
  return { ...way, chain: [...way.chain.slice(0, -1), `192.0.2.${7 + index}`] }
}
