import { OptionsError, pathAllowlist } from '../../../lib/index.ts'
import type { PathOptions } from '../../../lib/match/globs/glob.ts'
import { compilePaths } from '../../../lib/match/paths/paths.ts'
import { pathOf } from '../../../lib/match/paths/request-path.ts'

/** What `pathAllowlist` asks of a target: that its path can be judged, and is on the list. */
export function allows(
  target: string,
  patterns: readonly (string | RegExp)[],
  options: PathOptions = { caseSensitive: false, strict: false },
): boolean {
  return compilePaths(patterns, options)(pathOf(target))
}

/** Whether `pathAllowlist` takes a list: what it refuses need not be judged. */
export function isTaken(patterns: readonly (string | RegExp)[]): boolean {
  try {
    pathAllowlist(patterns)
    return true
  } catch (error) {
    if (error instanceof OptionsError) return false
    throw error
  }
}
