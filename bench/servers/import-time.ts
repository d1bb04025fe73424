/*
 * What an import takes, in a process that has done nothing else. Argument: what is imported. Prints milliseconds, and the files of
 * packages that were loaded for it.
 */
import { createRequire } from 'node:module'
import { argv, stdout } from 'node:process'

const start = performance.now()
await import(argv[2] as string)
const ms = performance.now() - start
const files = Object.keys(createRequire(import.meta.url).cache)
stdout.write(JSON.stringify({ ms, files }))
