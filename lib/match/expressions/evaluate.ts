import { Op, type Program } from './program.ts'

/**
 * For each step whether the rest of a text matches from it.
 *
 * @param behind the same for one character further on; undefined at the end of the text
 * @param members for each set whether it has the character between; undefined at the end
 * @param isStart whether the rest is the whole text
 */
export function evaluate(
  program: Program,
  behind: Uint8Array | undefined,
  members: Uint8Array | undefined,
  isStart: boolean,
): Uint8Array {
  const { ops, next, other, order, hasCircles } = program
  const steps = new Uint8Array(ops.length)

  function matchesFrom(step: number): number {
    const follower = next[step] as number
    const second = other[step] as number
    switch (ops[step]) {
      case Op.CHARACTER:
        return behind && members ? (behind[follower] as number) & (members[second] as number) : 0
      case Op.SPLIT:
        return (steps[follower] as number) | (steps[second] as number)
      case Op.LOOK:
        return (steps[second] as number) & (steps[follower] as number)
      case Op.LOOK_NOT:
        return ((steps[second] as number) ^ 1) & (steps[follower] as number)
      case Op.START:
        return isStart ? (steps[follower] as number) : 0
      case Op.END:
        return behind ? 0 : (steps[follower] as number)
      default:
        return 1
    }
  }

  for (let hasChanged = true; hasChanged; ) {
    hasChanged = false
    for (const step of order) {
      const value = matchesFrom(step)
      if (value === steps[step]) continue
      steps[step] = value
      hasChanged ||= hasCircles
    }
  }
  return steps
}
