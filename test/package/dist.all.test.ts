import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { describe, test } from 'node:test'
import { brotliCompressSync } from 'node:zlib'
import { build, type Metafile } from 'esbuild'
import { pack } from './packed.ts'

const { directory, files } = pack()
const scripts = files.filter(file => /^dist\/.*\.js$/.test(file))
const entries = scripts.filter(file => files.includes(file.replace(/\.js$/, '.d.ts')))

/** What a bundler takes of the packed build: `esbuild --bundle --minify --platform=node`, dependencies external. */
async function bundled(names: string, from = 'index.js'): Promise<{ code: Uint8Array; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export ${names} from './dist/${from}'`, resolveDir: directory },
    bundle: true,
    minify: true,
    metafile: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  })
  return { code: (outputFiles[0] as { contents: Uint8Array }).contents, metafile }
}

describe('own code of the packed build, minified', () => {
  /** kB, each with some 8 % of head room. */
  const most = {
    '{ browserPaths }': 6,
    '{ denyCidr }': 53,
    '{ noHost }': 73,
    '{ rateLimit }': 71,
    '{ protect }': 101,
    '*': 226,
  }
  for (const [names, budget] of Object.entries(most)) {
    test(`${names}: at most ${budget} kB`, async t => {
      const { code } = await bundled(names)
      t.diagnostic(
        `${code.length / 1000} kB, ${brotliCompressSync(code).length / 1000} kB compressed (brotli)`,
      )
      assert.ok(code.length > 500, 'nothing was bundled')
      assert.ok(code.length <= budget * 1000, `${code.length} bytes`)
    })
  }

  test('everything, compressed (brotli): at most 78 kB', async () => {
    const { length } = brotliCompressSync((await bundled('*')).code)
    assert.ok(length <= 78_000, `${length} bytes`)
  })

  test('no matcher or address parser of others is reachable from an entry', async () => {
    assert.ok(entries.length >= 3, entries.join())
    for (const entry of entries) {
      const { metafile } = await bundled('*', entry.slice('dist/'.length))
      const named = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
      assert.deepEqual(
        named.filter(name => !name.startsWith('node:') && name !== 'debug'),
        [],
      )
    }
  })
})

describe('the source maps of the packed build', () => {
  // What exports types alone has no code.
  const hasCode = (script: string) => /^(?!\/\/)./m.test(readFileSync(join(directory, script), 'utf8'))
  for (const script of scripts.filter(hasCode)) {
    test(`${script} has one, with the sources in it and no path of the machine it was built on`, () => {
      assert.match(
        readFileSync(join(directory, script), 'utf8'),
        /\n\/\/# sourceMappingURL=[\w-]+\.js\.map\n*$/,
      )
      const map = JSON.parse(readFileSync(join(directory, `${script}.map`), 'utf8'))
      assert.ok(map.sources.length > 0)
      assert.equal(map.sourcesContent.length, map.sources.length)
      assert.ok(map.sourcesContent.every((source: unknown) => typeof source === 'string' && source !== ''))
      for (const source of map.sources) assert.ok(!isAbsolute(source) && source.startsWith('../lib/'), source)
    })
  }
})

test('an import takes at most 1.5 times the CPU of one file', async t => {
  const one = join(directory, 'dist', 'one.mjs')
  await build({
    entryPoints: [join(directory, 'dist', 'index.js')],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outfile: one,
    logLevel: 'silent',
  })
  /** CPU in ms, in a process of its own. `debug` is left as it is in both. */
  const cpu = (file: string): number => {
    const script = `const start = process.cpuUsage(); await import(${JSON.stringify(file)}); const { user, system } = process.cpuUsage(start); console.log((user + system) / 1000)`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.ok(Number(stdout) > 0, stderr)
    return Number(stdout)
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number
  const [many, few]: [number[], number[]] = [[], []]
  // They take turns: what else the machine does meets both.
  for (let i = 0; i < 15; i++) {
    many.push(cpu(join(directory, 'dist', 'index.js')))
    few.push(cpu(one))
  }
  const ratio = median(many) / median(few)
  t.diagnostic(`${median(many)} ms, ${median(few)} ms in one file: ${ratio.toFixed(2)} times`)
  assert.ok(ratio <= 1.5, `${ratio} times`)
})
