import { compilePaths, type PathOptions } from '../../../lib/match/path-patterns.ts'
import { judgeablePath, pathOf } from '../../../lib/match/request-path.ts'

/** What `pathAllowlist` asks of a target: that its path can be judged, and is on the list. */
export function allows(
  target: string,
  patterns: readonly (string | RegExp)[],
  options: PathOptions = { caseSensitive: false, strict: false },
): boolean {
  const path = judgeablePath(pathOf(target))
  return path !== undefined && compilePaths(patterns, options)(path)
}
