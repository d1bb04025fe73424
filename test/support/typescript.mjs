/*
 * Lets Node 20 read TypeScript, for `--import`. tsx does so too, but takes half a second of CPU more to start and to load
 * `lib/`, and each of a hundred test files is a process. This takes only what the sources of this repository are: imports that
 * name their file, types that can be erased.
 */
import { register } from 'node:module'

register('./typescript-hooks.mjs', import.meta.url)
