/*
 * Makes random test input the same on every run, for `--import`: CI must not fail by the luck of a seed. `DROP444_SEED` is
 * another number, or `random`. Only test files load fast-check here, not the processes that they start.
 */
const seed = process.env.DROP444_SEED ?? '444'
if (seed !== 'random' && !/^\d{1,9}$/.test(seed)) throw new Error(`DROP444_SEED: ${seed}`)
// test/server/fuzz.ts makes its input without fast-check.
process.env.DROP444_SEED = seed

if (seed !== 'random' && process.argv[1]?.endsWith('.test.ts')) {
  const { default: fc } = await import('fast-check')
  fc.configureGlobal({ seed: Number(seed) })
}
