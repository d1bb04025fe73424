/**
 * How often a property is tried on random input, or how many there are of what is many: `few` with `npm test`, as many times
 * that as `DROP444_RUNS` says in a file of `test:all`, where it is five.
 * `npm test` and the other runs fix the seed of the input (`seed.mjs`); a file that is run by itself draws a new one each time.
 */
export const runs = (few: number): number => few * Number(process.env.DROP444_RUNS ?? 1)
