import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where system programs are that a plain user's PATH leaves out. */
const systemPlaces = ['/usr/sbin', '/usr/local/sbin', '/sbin', '/usr/bin', '/usr/local/bin']

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The path of a program, or undefined where it is not installed. */
export function findTool(name: string): string | undefined {
  const places = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...systemPlaces]
  return places.map(place => join(place, name)).find(isExecutable)
}

/**
 * For the `skip` of a suite that needs a program: false where it is there, else the reason.
 *
 * @throws Error where it is missing and `DROP444_REQUIRE_ALL=1` says that nothing may be skipped
 */
export function requireTool(name: string): string | false {
  if (findTool(name)) return false
  const reason = `${name} is not installed`
  if (process.env.DROP444_REQUIRE_ALL === '1') throw new Error(`${reason}, and DROP444_REQUIRE_ALL is 1`)
  return reason
}
