import { errorOf, messageOf } from '../../diagnostics/thrown.ts'

/** The text of any kind of error: some clients reject with objects of their own, or with a string. */
function textOf(error: unknown): string {
  try {
    const { message, error: inner } = Object(error) as { message?: unknown; error?: unknown }
    const text = [error, message, inner].find(each => typeof each === 'string')
    if (text !== undefined) return text as string
  } catch {}
  return messageOf(error)
}

/** Finds a word of Redis's own in a message, but not in the part of a key that a client has chosen: a brace ends that part. */
const word = (words: string, flags?: string) =>
  new RegExp(`(?<![\\w-])-?(?:${words})(?=[.:]?(?:\\s|$)|[,;"'\`)\\]])`, flags)

/** Whether Redis has forgotten a script. HTTP clients put words before the error, and valkey-glide has a name of its own for it. */
const FORGOTTEN = word('NOSCRIPT|NoScriptError')

export const isForgotten = (error: unknown) => FORGOTTEN.test(textOf(error))

/** Whether keys are in several slots, said by Redis or by a client that checks first. */
const CROSS_SLOT = word('cross-?slot|same slot', 'i')

export const isCrossSlot = (error: unknown) => CROSS_SLOT.test(textOf(error))

const SCRIPTS =
  'its scripts have to be permitted TIME, to write after it, and the other commands of docs/redis.md, "Permissions"'

/** Advice for errors of Redis; the first that matches is used. */
const advice: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w:-])TIME(?![\w:-])/, SCRIPTS],
  [/non.deterministic|can't run this command or subcommand|not allowed from script/i, SCRIPTS],
  [word('NOPERM'), 'its user lacks a command or keys (docs/redis.md, "Permissions")'],
  [/\bunknown command\b/i, 'it has to run scripts (EVALSHA, EVAL): Redis 5 or later, or Valkey'],
  [word('MOVED|ASK|CLUSTERDOWN'), 'it is a Cluster: give redisStore a client that is made for one'],
  [word('CROSSSLOT'), 'it is a Cluster, or a proxy of one'],
  [word('READONLY'), 'it is a replica: the client has to find the master'],
  [word('OOM'), 'it has no memory left: see maxmemory and its policy'],
  [word('BUSY'), 'another script holds it up'],
  [word('MISCONF'), 'it can not save its data, and takes no writes'],
  [word('NOAUTH|WRONGPASS'), 'the client has to log in'],
]

/** The error with advice for the operator, if there is any. */
export function explained(error: unknown): Error {
  const failure = errorOf('sendCommand failed with', error)
  const text = textOf(error)
  const [, hint] = advice.find(([pattern]) => pattern.test(text)) ?? []
  return hint === undefined ? failure : new Error(`${messageOf(error)}: ${hint}`, { cause: failure })
}
