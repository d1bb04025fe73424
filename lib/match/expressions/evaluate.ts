import { Op, type Program } from './program.ts'

/**
 * Computes for each step whether it matches the rest of a text.
 *
 * @param behind the result for the rest without its first character; undefined at the end of the text
 * @param members for each set whether it contains the first character of the rest; undefined at the end of the text
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
