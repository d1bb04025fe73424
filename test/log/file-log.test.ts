import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { type DropLog, dropLog, rule } from '../../lib/index.ts'
import { root } from '../package/tree.ts'
import { sites } from '../support/ask.ts'
import { codeBlocks, page } from '../support/docs.ts'
import { settle } from '../support/events.ts'
import { reader } from '../support/reader.ts'

const drops = channel('drop444:drop')
const site = sites()
const all = () => rule('all', () => 'why')
const directory = mkdtempSync(join(tmpdir(), 'drop444-log-'))
after(() => {
  for (const disk of [full, output]) if (disk) unmount(disk)
  rmSync(directory, { recursive: true, force: true })
})
let files = 0
const newFile = () => join(directory, `${files++}.log`)
const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').slice(0, -1)
const appending = (file: string) => createWriteStream(file, { flags: 'a' })

/** Waits until something is so, for many seconds at most. */
async function until(what: () => boolean | Promise<boolean>, said: string): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await what()) return
    await settle(25)
  }
  assert.fail(said)
}

/** The warnings of this process meanwhile. */
async function warned(run: () => Promise<unknown>): Promise<string[]> {
  const said: string[] = []
  const listener = ({ message }: Error) => said.push(message)
  process.on('warning', listener)
  await run()
  await settle(5)
  process.off('warning', listener)
  return said.filter(message => message.includes('log'))
}

function runAsRoot(...command: readonly string[]): boolean {
  const [program = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command]
  return spawnSync(program, args).status === 0
}

/** A disk of 256 kB, if this process may mount one; where nothing may be skipped, it has to. */
function mountDisk(name: string): string | undefined {
  const at = join(directory, name)
  mkdirSync(at)
  if (runAsRoot('mount', '-t', 'tmpfs', '-o', 'size=256k,mode=777', 'tmpfs', at)) return at
  assert.notEqual(process.env.DROP444_REQUIRE_ALL, '1', 'no disk could be mounted')
  return undefined
}

const unmount = (disk: string) => runAsRoot('umount', '-l', disk)

const full = mountDisk('drop444-full')
const output = mountDisk('drop444-output')
const skip = !(full && output) && 'no disk could be mounted'

describe('a disk that is full', { skip }, () => {
  test('the log says why, goes on once there is room, and counts each line that is missing', async () => {
    const disk = full as string
    const ballast = join(disk, 'ballast')
    const file = join(disk, 'drop.log')
    writeFileSync(ballast, Buffer.alloc(230_000))
    const to = await site([all()])
    await to.ask(`/${'x'.repeat(200)}`)
    const event = to.events[0]
    let asked = 0
    // Several at once, which the stream writes together.
    const ask = async () => {
      for (let i = 0; i < 60; i++) drops.publish(event)
      asked += 60
      await settle(1)
    }
    let log: DropLog | undefined
    const said = await warned(async () => {
      log = dropLog(appending(file))
      for (let i = 0; i < 4; i++) await ask()
    })
    assert.match(
      said.join(),
      /failed \(ENOSPC: .*\): its lines are lost, and counted, until the file can be written/,
    )
    assert.equal(said.length, 1)
    const lost = log?.lost as number
    assert.ok(lost > 10, `${lost}`)
    rmSync(ballast)
    await until(async () => {
      await ask()
      return readFileSync(file, 'utf8').includes('lines lost')
    }, 'goes on')
    await settle(20)
    await ask()
    await log?.()
    const lines = linesOf(file)
    const whole = lines.filter(line => /^127\.0\.0\.1 .* "all" "why"$/.test(line))
    // More than one where the last page of the file had some room left.
    const missing = lines.flatMap(
      line => /^# drop444: (\d+) lines lost$/.exec(line)?.slice(1).map(Number) ?? [],
    )
    assert.equal(
      missing.reduce((sum, count) => sum + count, 0),
      log?.lost,
    )
    assert.equal(whole.length + (log?.lost as number), asked)
    // What had no room any more is a line of its own.
    assert.ok(lines.length - whole.length <= 2 * missing.length, `${lines.length - whole.length}`)
  })
})

test('standard output that is a file on a full disk goes on too, on a line of its own', {
  skip,
}, async () => {
  const disk = output as string
  const file = join(disk, 'out')
  const ballast = join(disk, 'ballast')
  writeFileSync(ballast, Buffer.alloc(230_000))
  const script = `
    import { rmSync } from 'node:fs'
    import { channel } from 'node:diagnostics_channel'
    import { dropLog } from './lib/index.ts'
    const log = dropLog(undefined, { format: event => event.url })
    const drop = async () => {
      channel('drop444:drop').publish({ url: 'x'.repeat(600) })
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    for (let i = 0; i < 60; i++) await drop()
    rmSync(${JSON.stringify(ballast)})
    for (let i = 0; i < 5; i++) await drop()
    await log()
    console.error('lost', log.lost)`
  const args = [process.execPath, ...reader, '--input-type=module', '-e', script]
  const { stderr } = spawnSync('sh', ['-c', 'exec "$@" >"$0"', file, ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  })
  const [, lost] = /^lost (\d+)$/m.exec(stderr) ?? []
  const lines = linesOf(file)
  assert.deepEqual(
    lines.filter(line => !/^x{0,600}$/.test(line)),
    [`# drop444: ${lost} lines lost`],
    stderr,
  )
  // Of the one that Node has written in part it does not tell.
  const known = lines.filter(line => line.length === 600).length + Number(lost)
  assert.ok(known === 64 || known === 65, `${known}`)
})

test('/dev/full: the reason is said, and nothing ends', async () => {
  const to = await site([all()])
  const said = await warned(async () => {
    const log = dropLog(appending('/dev/full'))
    for (let i = 0; i < 3; i++) await to.ask()
    await log()
    assert.equal(log.lost, 3)
  })
  assert.match(said[0] ?? '', /failed \(ENOSPC: no space left on device, write\)/)
})

test('a limit of the file size, in a process of its own: goes on once the file is cut', async () => {
  const file = newFile()
  const script = `
    import { createWriteStream, truncateSync, readFileSync } from 'node:fs'
    import { channel } from 'node:diagnostics_channel'
    import { dropLog } from './lib/index.ts'
    const log = dropLog(createWriteStream(${JSON.stringify(file)}, { flags: 'a' }), { format: event => event.url })
    const wait = ms => new Promise(resolve => setTimeout(resolve, ms))
    let count = 0
    const drop = () => channel('drop444:drop').publish({ url: String(++count).padStart(99, '.') })
    for (let i = 0; i < 200 && log.lost === 0; i++) { drop(); await wait(2) }
    const lost = log.lost
    truncateSync(${JSON.stringify(file)})
    for (let i = 0; i < 200 && !readFileSync(${JSON.stringify(file)}, 'utf8').includes('lost'); i++) { drop(); await wait(20) }
    await log()
    console.log(lost > 0)`
  const run = `trap '' XFSZ; ulimit -f 8; exec "$@"`
  const args = [process.execPath, ...reader, '--input-type=module', '-e', script]
  const { stdout, stderr } = spawnSync('bash', ['-c', run, 'bash', ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(stdout, 'true\n', stderr)
  assert.match(stderr, /failed \(EFBIG/)
  assert.match(readFileSync(file, 'utf8'), /# drop444: \d+ lines lost\n\.+\d+\n/)
})

describe('a path that can not be opened is said at start, with the reason', () => {
  const folder = join(directory, 'closed')
  const cases: readonly [string, string, () => void][] = [
    ['ENOENT', join(directory, 'no-such-folder', 'drop.log'), () => {}],
    ['EISDIR', directory, () => {}],
    ['ENOTDIR', join(directory, 'file', 'drop.log'), () => writeFileSync(join(directory, 'file'), '')],
  ]
  for (const [code, path, prepare] of cases) {
    test(code, async () => {
      prepare()
      let log: DropLog | undefined
      const said = await warned(async () => {
        log = dropLog(appending(path))
        await settle(50)
      })
      assert.equal(said.length, 1)
      assert.match(said[0] as string, new RegExp(`^the log stream failed \\(${code}: .*, open '`))
      await log?.()
    })
  }

  test('EACCES', () => {
    mkdirSync(folder)
    chmodSync(folder, 0o500)
    const script = `
      import { createWriteStream } from 'node:fs'
      import { dropLog } from './lib/index.ts'
      if (process.getuid() === 0) process.seteuid(65534)
      dropLog(createWriteStream(${JSON.stringify(join(folder, 'drop.log'))}, { flags: 'a' }))
      setTimeout(() => console.log('alive'), 100)`
    const args = [...reader, '--input-type=module', '-e', script]
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.equal(stdout, 'alive\n', stderr)
    assert.match(stderr, /DROP444_LOG_LOST.* failed \(EACCES: permission denied, open/)
  })

  test('one that has failed before dropLog was called', async () => {
    const stream = appending(join(directory, 'no-such-folder', 'drop.log'))
    await new Promise(resolve => stream.once('error', resolve))
    const said = await warned(async () => dropLog(stream)())
    assert.match(said[0] ?? '', /failed \(ENOENT/)
  })

  test('once the folder is there the log goes on', async () => {
    const late = join(directory, 'late')
    const file = join(late, 'drop.log')
    const log = dropLog(appending(file), { format: 'json' })
    const to = await site([all()])
    await settle(20)
    await to.ask('/1')
    assert.equal(log.lost, 1)
    mkdirSync(late)
    await until(async () => {
      await to.ask('/2')
      return existsSync(file) && readFileSync(file, 'utf8').includes('"/2"')
    }, 'goes on')
    await settle(20)
    await log()
    const [first, second] = linesOf(file).map(line => JSON.parse(line))
    assert.deepEqual([first.lost, second.url], [log.lost, '/2'])
  })
})

describe('a stream that has ended for good', () => {
  test('one that its owner has destroyed, or ended, is not opened anew', async () => {
    for (const end of ['destroy', 'end'] as const) {
      const file = newFile()
      const stream = appending(file)
      const log = dropLog(stream)
      const to = await site([all()])
      await to.ask()
      // The write may be under way when it is destroyed.
      await until(() => existsSync(file), 'opens')
      await new Promise<void>(resolve => stream.once('close', () => resolve())[end]())
      const before = readFileSync(file, 'utf8')
      for (let i = 0; i < 3; i++) await to.ask()
      await settle(1_100)
      await to.ask()
      await log()
      assert.equal(readFileSync(file, 'utf8'), before)
      const isWritten = before !== ''
      assert.equal(linesOf(file).length, isWritten ? 1 : 0)
      assert.ok(log.lost === 4 || (end === 'destroy' && log.lost === 5), `${log.lost}`)
    }
  })

  test('a pipe whose reader is gone: the process goes on, and says so once', async () => {
    const script = `
      import { channel } from 'node:diagnostics_channel'
      import { dropLog } from './lib/index.ts'
      const log = dropLog(process.stdout, { format: event => event.url })
      process.stdin.once('data', async () => {
        for (let i = 0; i < 50; i++) {
          channel('drop444:drop').publish({ url: 'x'.repeat(2_000) })
          await new Promise(resolve => setTimeout(resolve, 1))
        }
        await log()
        console.error('lost', log.lost)
        process.exit()
      })
      console.error('ready')`
    const child = spawn(process.execPath, [...reader, '--input-type=module', '-e', script], { cwd: root })
    const errors = textOf(child.stderr)
    await until(() => errors().includes('ready'), 'starts')
    child.stdout.destroy()
    await settle(20)
    child.stdin.write('x')
    assert.equal(await exitOf(child), 0)
    assert.match(errors(), /failed \(write EPIPE\)/)
    assert.match(errors(), /lost \d\d/)
    assert.equal(errors().split('its lines are lost').length, 2, errors())
  })

  test('a FIFO without a reader is not waited for', async () => {
    const fifo = newFile()
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0)
    const script = `
      import { createWriteStream } from 'node:fs'
      import { channel } from 'node:diagnostics_channel'
      import { dropLog } from './lib/index.ts'
      const stream = createWriteStream(${JSON.stringify(fifo)}, { flags: 'a' })
      const log = dropLog(stream, { format: event => event.url })
      const drop = () => channel('drop444:drop').publish({ url: 'x' })
      stream.once('open', async () => {
        for (let i = 0; i < 130; i++) { drop(); await new Promise(resolve => setTimeout(resolve, 10)) }
        await log()
        console.log('done', log.lost > 50)
      })`
    const child = spawn(process.execPath, [...reader, '--input-type=module', '-e', script], { cwd: root })
    const output = textOf(child.stdout)
    spawnSync('head', ['-c', '1', fifo], { timeout: 30_000 })
    // By itself: an open that waits would hold it.
    assert.equal(await exitOf(child), 0)
    assert.equal(output(), 'done true\n')
  })
})

describe('the end of a log', () => {
  test('resolves when the stream has its lines', async () => {
    let taken = 0
    const slow = new Writable({
      highWaterMark: 1,
      write(_chunk, _encoding, done) {
        setTimeout(() => {
          taken++
          done()
        }, 20)
      },
    })
    const log = dropLog(slow)
    const to = await site([all()])
    for (let i = 0; i < 4; i++) await to.ask()
    const [first, second] = [log(), log()]
    assert.equal(first, second)
    await first
    assert.equal(taken, 4)
    assert.equal(slow.listenerCount('drain'), 0)
  })

  test('after a second where the stream takes none, and at once where there is nothing to wait for', async () => {
    const stuck = dropLog(new Writable({ write() {} }))
    const logs = [dropLog(new PassThrough()), dropLog({ info() {} }), dropLog(console)]
    const to = await site([all()])
    await to.ask()
    const started = performance.now()
    for (const log of logs.slice(1)) await log()
    assert.ok(performance.now() - started < 900)
    await stuck()
    assert.ok(performance.now() - started > 900)
    await logs[0]?.()
  })

  test('also where the stream fails meanwhile', async () => {
    let fail: ((error: Error) => void) | undefined
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        fail = done
      },
    })
    const log = dropLog(stream)
    const to = await site([all()])
    await to.ask()
    const ended = log()
    fail?.(new Error('gone'))
    await ended
    assert.equal(log.lost, 1)
    // Node emits it a turn later.
    await settle(5)
  })
})

function textOf(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.on('data', chunk => {
    text += chunk
  })
  return () => text
}

/** The code, or the signal, that a process ended with. */
const exitOf = (child: ChildProcess) =>
  new Promise<number | NodeJS.Signals | null>(resolve =>
    child.once('close', (code, signal) => resolve(signal ?? code)),
  )

/** The snippets of docs/logging.md that listen to a signal, run as they stand. */
const snippets = codeBlocks(page('docs/logging.md'), 'ts').filter(code => code.includes('process.o'))
mkdirSync(join(root, '.cache'), { recursive: true })
const work = mkdtempSync(join(root, '.cache', 'log-'))
after(() => rmSync(work, { recursive: true, force: true }))

/** Starts a snippet, with a server behind it whose every request is dropped. */
async function startSnippet(code: string): Promise<{ child: ChildProcess; drop(times: number): void }> {
  const lib = relative(work, join(root, 'lib/index.ts')).replaceAll(sep, '/')
  const file = join(work, `${files++}.mts`)
  writeFileSync(
    file,
    `${code.replaceAll("'drop444'", `'${lib}'`)}
     import { channel } from 'node:diagnostics_channel'
     import http from 'node:http'
     http.createServer().listen(0, '127.0.0.1', () => console.log('ready'))
     let count = 0
     process.stdin.on('data', chunk => {
       const times = String(chunk).split('\\n').reduce((sum, line) => sum + Number(line), 0)
       for (let i = 0; i < times; i++)
         channel('drop444:drop').publish({ time: 0, status: 444, bodyBytesSent: 0, method: 'GET', url: '/' + ++count, httpVersion: '1.1', rule: 'r', reason: 'x', action: 'close' })
       console.log('dropped', count)
     })`,
  )
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: work,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const output = textOf(child.stdout)
  await until(() => output().includes('ready'), 'starts')
  return {
    child,
    drop: times => void child.stdin?.write(`${times}\n`),
  }
}

describe('the snippets of docs/logging.md', () => {
  test('SIGTERM ends the process, and the last lines are in the file', async () => {
    assert.equal(snippets.length, 2)
    const { child, drop } = await startSnippet(snippets[0] as string)
    drop(500)
    await settle(100)
    drop(1)
    const output = textOf(child.stdout)
    await until(() => output().includes('501'), 'drops')
    child.kill('SIGTERM')
    assert.equal(await exitOf(child), 0)
    const lines = linesOf(join(work, 'drop.log'))
    assert.equal(lines.length, 501)
    assert.match(lines.at(-1) as string, /"GET \/501 HTTP\/1\.1" 444 0/)
  })

  test('logrotate moves the file: on its signal the log goes on in a new one, no line is lost', async () => {
    const file = join(work, 'drop.log')
    rmSync(file, { force: true })
    const { child, drop } = await startSnippet(snippets[1] as string)
    drop(100)
    await until(() => existsSync(file) && linesOf(file).length === 100, 'writes')
    renameSync(file, `${file}.1`)
    drop(50)
    await until(() => linesOf(`${file}.1`).length === 150, 'goes on in the old one')
    child.kill('SIGUSR2')
    await until(() => existsSync(file), 'opens a new one')
    drop(25)
    await until(() => linesOf(file).length === 25, 'goes on in the new one')
    assert.equal(linesOf(`${file}.1`).length, 150)
    child.kill('SIGTERM')
    assert.equal(await exitOf(child), 'SIGTERM')
  })

  test('copytruncate: a stream that appends goes on at the new end', async () => {
    const file = newFile()
    const log = dropLog(appending(file))
    const to = await site([all()])
    await to.ask('/1')
    await until(() => existsSync(file) && linesOf(file).length === 1, 'writes')
    copyFileSync(file, `${file}.1`)
    truncateSync(file)
    await to.ask('/2')
    await log()
    assert.match(readFileSync(file, 'utf8'), /^127\.0\.0\.1 [^\0]*"GET \/2 [^\n]*\n$/)
    appendFileSync(file, '')
  })
})
