import { show } from '../../../diagnostics/show.ts'
import { type BanPolicy, topLevel } from '../../../offenders/ban-policy.ts'
import type {
  OffenderAction,
  OffenderChanges,
  OffenderNews,
  OffenderRecord,
  OffenderStore,
} from '../../../offenders/offender-store.ts'
import { soundRecord } from '../../../offenders/sync/sound-record.ts'
import { safeName } from '../cluster-slot.ts'
import { foreignKey, warnDamaged } from '../odd-values.ts'
import { explained } from '../redis-errors.ts'
import { runScript, type Script, type Send } from '../script.ts'
import { READ, WRITE } from './ban-scripts.ts'

/** The most networks in one reply. */
const PAGE = 500

/**
 * Offenders in Redis or Valkey, 5 or later: all keys of a prefix in one slot of a Cluster, each with an expiry.
 *
 * @param prefix before each key; no braces
 */
export function redisOffenders(send: Send, prefix: string, name = 'repeatOffender'): OffenderStore {
  const base = `${prefix}{offenders}:${safeName(name)}:`
  const keys = ['seq', 'bans', 'changes', 'forgets', 'ends'].map(key => base + key)

  const run = (script: Script, of: readonly string[], args: readonly string[]) =>
    runScript(send, script, of, args).catch((error: unknown) => {
      throw explained(error)
    })

  return {
    scope: scopeName => redisOffenders(send, prefix, scopeName),
    async write(actions, terms, maxBans, expected) {
      const offences = actions.map(({ address }) => `${base}of:${address}`)
      const args = [...headOf(terms, maxBans, expected), ...actions.flatMap(argumentsOf)]
      const { word, ...news } = newsOf(await run(WRITE, [...keys, ...offences], args), base)
      return { ...news, isLate: word === 'late' }
    },
    // A Redis that is read-only, or out of memory, refuses to write.
    probe: () => send(`${base}probe`, false, ['SET', `${base}probe`, '1', 'PX', '1000', 'NX']),
    async read(cursor, expected): Promise<OffenderChanges> {
      // Never from a replica: one that lags behind would look like a loss of data.
      const args = [String(cursor), String(PAGE), expected === undefined ? '' : String(Math.trunc(expected))]
      const reply = await run(READ, keys.slice(0, 3), args)
      const { word, ...news } = newsOf(reply, base)
      return { ...news, cursor: numberOf(word) }
    },
  }
}

function headOf(terms: BanPolicy, maxBans: number, expected: number): string[] {
  const { limit, window, ban, maxBan, decay } = terms
  return [limit, window, ban, maxBan, decay, topLevel(terms), maxBans, Math.trunc(expected)].map(String)
}

/** Kind, address, age, count or time, duration, level, reason, after. */
function argumentsOf(action: OffenderAction): string[] {
  const { kind, address } = action
  if (kind === 'offend') return [kind, address, '0', String(action.times), '', '', action.reason, '']
  const age = String(action.age)
  if (kind !== 'ban') return [kind, address, age, '', '', '', '', String(action.after ?? '')]
  const { at, duration, level, reason, isCounted } = action
  const numbers = [at ?? '', duration, level].map(String)
  return [isCounted ? 'counted' : kind, address, age, ...numbers, reason, String(action.after ?? '')]
}

/**
 * Checks what both scripts reply, and returns the part that each has of its own.
 *
 * @throws KeyError where a key of these offenders is of another type
 */
function newsOf(reply: unknown, base: string): OffenderNews & { word: string | undefined } {
  if (!Array.isArray(reply)) throw notOurs(reply)
  const [now, last, born = '', word, server, odd = '', ...records] = reply.map(String)
  const key = odd.slice(odd.indexOf(' ') + 1)
  const isForeign = odd.startsWith('foreign ')
  if (isForeign && !key.startsWith(`${base}of:`)) throw foreignKey(key)
  if (isForeign) foreignKey(key)
  else if (odd !== '') warnDamaged(key)
  const time = numberOf(now)
  return {
    now: time,
    last: numberOf(last),
    born,
    word,
    // Without a run id a restart can't be distinguished.
    place: server ? `${server} ${base}` : undefined,
    records: recordsOf(records, time, base),
  }
}

const notOurs = (reply: unknown) =>
  new TypeError(`sendCommand returned something else than what the script replies: ${show(reply)}`)

function numberOf(text: string | undefined): number {
  const number = /^\d/.test(text ?? '') ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number)) throw notOurs(text)
  return number
}

/** Reads pairs of a network and its record. */
function recordsOf(texts: readonly string[], now: number, base: string): OffenderRecord[] {
  const records: OffenderRecord[] = []
  for (let i = 0; i + 1 < texts.length; i += 2) {
    const address = texts[i] as string
    const record = recordOf(address, texts[i + 1] as string, now)
    if (record) records.push(record)
    else warnDamaged(`${base}bans ${address}`)
  }
  return records
}

function recordOf(address: string, text: string, now: number): OffenderRecord | undefined {
  const [, ...parts] = /^(-?\d+) (-?\d+) (-?\d+) (\d+) (.*)$/s.exec(text) ?? []
  const [at, since, until, level] = parts.map(Number) as [number, number, number, number]
  return soundRecord({ address, at, since, until, level, reason: parts[4] ?? '' }, now)
}
