import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

const cache = new URL('../../node_modules/.cache/drop444/', import.meta.url)

async function translate(source, sourcefile) {
  const { transform } = await import('esbuild')
  const { code } = await transform(source, {
    loader: 'ts',
    sourcefile,
    sourcemap: 'inline',
    sourcesContent: false,
    target: 'node20',
    supported: { 'import-attributes': true },
  })
  return code
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context)
  const text = readFileSync(new URL(url), 'utf8')
  const file = url.slice(url.lastIndexOf('/') + 1)
  const name = createHash('sha1').update(file).update('\0').update(text).digest('hex')
  const kept = new URL(name, cache)
  let source
  try {
    source = readFileSync(kept, 'utf8')
  } catch {
    source = await translate(text, file)
    // Renamed, as other processes look for it at the same time.
    const half = new URL(`${name}.${process.pid}`, cache)
    mkdirSync(cache, { recursive: true })
    writeFileSync(half, source)
    renameSync(half, kept)
  }
  return { format: 'module', source, shortCircuit: true }
}
