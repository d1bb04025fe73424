import { subscribe } from 'node:diagnostics_channel'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { CallbackError } from '../../lib/index.ts'
import { settle } from '../support/events.ts'

/** What frameworks say of errors when nobody else takes them. */
export const complaints: string[] = []
console.error = (...said: unknown[]) => void complaints.push(said.join(' '))

/** Warnings of this process, but for the one of {@link failures}, which comes once a process. */
export const warnings: string[] = []
process.removeAllListeners('warning')
process.on('warning', warning => {
  const { code = warning.name } = warning as Error & { code?: string }
  if (code !== 'DROP444_CALLBACK_FAILED') warnings.push(`${code}: ${warning.message}`)
})

/** What rules have thrown. */
export const failures: string[] = []
subscribe('drop444:error', message => {
  failures.push(String((message as CallbackError).error))
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Every HTTP/1 request that came to this process, and what else was noted. */
const noted: WeakRef<object>[] = []
export const note = (object: object) => void noted.push(new WeakRef(object))
subscribe('http.server.request.start', message => note((message as { request: object }).request))

/** Looks anew from here on. */
export const forget = () => void noted.splice(0)

/** How many came, and how many of them something still holds. */
export async function stillHeld(): Promise<{ came: number; held: number }> {
  const came = noted.splice(0)
  const held = () => came.filter(each => each.deref() !== undefined).length
  let left = came.length
  for (let tries = 0; tries < 30 && left > 0; tries++) {
    // What was looked at is held until that turn of the event loop is over.
    await settle(10)
    collectGarbage()
    await settle(5)
    left = held()
  }
  return { came: came.length, held: left }
}
