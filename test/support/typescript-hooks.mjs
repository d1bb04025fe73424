import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cache = new URL('../../node_modules/.cache/drop444/', import.meta.url)

async function translate(source, path) {
  const { transform } = await import('esbuild')
  const { code } = await transform(source, {
    loader: 'ts',
    sourcefile: path,
    sourcemap: 'inline',
    sourcesContent: false,
    target: 'node20',
    supported: { 'import-attributes': true },
  })
  return code
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context)
  const path = fileURLToPath(url)
  const text = readFileSync(path, 'utf8')
  const name = new URL(createHash('sha1').update(path).update('\0').update(text).digest('hex'), cache)
  let source
  try {
    source = readFileSync(name, 'utf8')
  } catch {
    source = await translate(text, path)
    // Renamed, as other processes look for it at the same time.
    const half = new URL(`${name}.${process.pid}`)
    mkdirSync(cache, { recursive: true })
    writeFileSync(half, source)
    renameSync(half, name)
  }
  return { format: 'module', source, shortCircuit: true }
}
