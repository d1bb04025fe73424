/**
 * How often a property is tried on random input: `few` times with `npm test`, as many times that as `DROP444_RUNS` says in a
 * file of `test:all`, which tries the same ten times as often.
 */
export const runs = (few: number): number => few * Number(process.env.DROP444_RUNS ?? 1)
