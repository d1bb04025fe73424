import { gzipSync } from 'node:zlib'
import { buildOf } from './graph.ts'

/** kB of our own code, minified and compressed (gzip), that a bundler takes of these exports. */
export async function sizeOf(names: string): Promise<number> {
  const { code } = await buildOf(`export ${names} from './lib/index.ts'`, 'external', true)
  return gzipSync(code, { level: 9 }).length / 1000
}

/** What a bundler takes of us, without dependencies. The core is what each rule needs; a rule's figure holds the core. */
export const sizes = {
  'the core (drop, rules, events, log)': {
    names: '{ drop, dropLog, onDrop, OptionsError, Reason, rule }',
    most: 21,
  },
  'the largest rule': { names: '{ repeatOffender }', most: 29 },
  'protect without rules': { names: '{ protect, unprotect }', most: 35 },
  everything: { names: '*', most: 82 },
} as const
