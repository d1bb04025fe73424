import { createHash } from 'node:crypto'
import { isForgotten } from './redis-errors.ts'

/** How commands reach Redis. `key` is one that the command works on: it says which node of a Cluster. */
export type Send = (key: string, isReadOnly: boolean, command: string[]) => Promise<unknown>

/** A script, with the name that Redis has for it. */
export interface Script {
  readonly source: string
  readonly sha: string
}

/** SHA-1 is what EVALSHA names scripts by: it protects nothing here. */
export const script = (source: string): Script => ({
  source,
  sha: createHash('sha1').update(source).digest('hex'),
})

/** Runs a script in one round trip, and in one more where Redis has forgotten it: after a restart, a failover, SCRIPT FLUSH. */
export function runScript(
  send: Send,
  { source, sha }: Script,
  keys: readonly string[],
  args: readonly string[],
  isReadOnly = false,
): Promise<unknown> {
  const key = keys[0] as string
  const command = ['EVALSHA', sha, String(keys.length), ...keys, ...args]
  const ask = (words: string[]) => send(key, isReadOnly, words).then(refuseErrors)
  return ask(command).catch((error: unknown) => {
    if (!isForgotten(error)) throw error
    return ask(['EVAL', source, ...command.slice(2)])
  })
}

/** Some clients resolve with an error as a reply. */
function refuseErrors(reply: unknown): unknown {
  if (reply instanceof Error) throw reply
  return reply
}
