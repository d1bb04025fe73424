import assert from 'node:assert/strict'
import { Console } from 'node:console'
import { PassThrough, Writable } from 'node:stream'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import winston from 'winston'
import { type CommonOptions, type DropEvent, dropLog, rule } from '../../lib/index.ts'
import { sites } from '../support/ask.ts'
import { settle } from '../support/events.ts'
import { get } from '../support/raw-client.ts'

const site = sites()
const all = (options: CommonOptions = {}) => rule('all', () => ({ reason: 'why', detail: 'what' }), options)

/** A stream that keeps what it was given. */
function keeper(): Writable & { text: string } {
  const stream = new Writable({
    write(chunk, _encoding, done) {
      ;(stream as { text: string }).text += chunk
      done()
    },
  }) as Writable & { text: string }
  stream.text = ''
  return stream
}

const time = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`
const combined = String.raw`127\.0\.0\.1 - - ${time} "GET /x HTTP/1\.1" 444 0 "-" "raw/1"`

describe('dropLog formats', () => {
  const written = async (options?: Parameters<typeof dropLog>[1], rules = [all()]) => {
    const stream = keeper()
    const stop = dropLog(stream, options)
    const to = await site(rules)
    await to.send(get('/x', { Connection: 'close' }))
    stop()
    await to.send(get('/after', { Connection: 'close' }))
    return stream.text
  }

  test("'rule', the default", async () => {
    assert.match(await written(), new RegExp(`^${combined} "all" "why"\n$`))
    assert.equal(
      (await written({ format: 'rule' })).replace(/\[.*\]/, ''),
      (await written()).replace(/\[.*\]/, ''),
    )
  })

  test("'combined'", async () => {
    assert.match(await written({ format: 'combined' }), new RegExp(`^${combined}\n$`))
  })

  test("'json'", async () => {
    const line = JSON.parse(await written({ format: 'json' }))
    assert.deepEqual(
      [line.status, line.rule, line.reason, line.detail, line.url],
      [444, 'all', 'why', 'what', '/x'],
    )
    assert.ok(Math.abs(Date.parse(line.time) - Date.now()) < 5_000)
  })

  test('a function; nothing, and what it throws, leaves the line out', async () => {
    assert.equal(await written({ format: event => `${event.rule}!` }), 'all!\n')
    assert.equal(await written({ format: () => undefined }), '')
    const boom = () => {
      throw new Error('boom')
    }
    assert.equal(await written({ format: boom }), '')
  })

  test("an answered status is in the line, with its body's length", async () => {
    assert.match(await written({}, [all({ status: 403 })]), /" 403 10 "-"/)
  })

  test("dry-run drops: not in 'rule' and 'combined', marked in 'json'", async () => {
    const rules = [all({ dryRun: true })]
    assert.equal(await written({}, rules), '')
    assert.equal(await written({ format: 'combined' }, rules), '')
    assert.equal(JSON.parse(await written({ format: 'json' }, rules)).action, 'dry-run')
  })

  test('reasons of the user are escaped too', async () => {
    const rules = [rule('r', () => 'a "b"\n\\ü€')]
    assert.match(await written({}, rules), /"r" "a \\x22b\\x22\\x0A\\x5C\\xFC\\xE2\\x82\\xAC"\n$/)
  })
})

describe('dropLog through loggers', () => {
  const through = async (target: Parameters<typeof dropLog>[0], options?: Parameters<typeof dropLog>[1]) => {
    const stop = dropLog(target, options)
    const to = await site([all({ dryRun: true, name: 'dry' }), all()])
    await to.send(get('/x', { Connection: 'close' }))
    await settle(5)
    stop()
    assert.equal(stop.lost, 0)
  }

  test('pino', async () => {
    const stream = keeper()
    await through(pino(stream))
    const [dry, real] = stream.text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.deepEqual([dry.level, dry.msg, dry.action], [30, 'dry-run: 444 GET /x dry why', 'dry-run'])
    assert.deepEqual([real.msg, real.action, real.detail], ['444 GET /x all why', 'close', 'what'])
  })

  test("pino at level 'warn', a child, and a format", async () => {
    const stream = keeper()
    await through(pino(stream).child({ part: 'edge' }), { level: 'warn', format: 'combined' })
    const real = JSON.parse(stream.text.trim().split('\n')[1] as string)
    assert.deepEqual([real.level, real.part], [40, 'edge'])
    assert.match(real.msg, new RegExp(`^${combined}$`))
  })

  test('winston, and a child of it', async () => {
    for (const child of [false, true]) {
      const stream = keeper()
      const logger = winston.createLogger({ transports: [new winston.transports.Stream({ stream })] })
      await through(child ? logger.child({ part: 'edge' }) : logger)
      const [dry, real] = stream.text
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      assert.deepEqual([dry.message, dry.action], ['dry-run: 444 GET /x dry why', 'dry-run'])
      assert.deepEqual([real.level, real.message, real.rule], ['info', '444 GET /x all why', 'all'])
    }
  })

  test('a console gets lines', async () => {
    const stream = keeper()
    await through(new Console(stream))
    const [dry, real] = stream.text.trim().split('\n')
    assert.match(dry as string, /^dry-run: 127\.0\.0\.1 .* "dry" "why"$/)
    assert.match(real as string, new RegExp(`^${combined} "all" "why"$`))
  })

  test("a console gets 'json' and a function's lines as they are", async () => {
    for (const format of ['json', (event: DropEvent) => JSON.stringify(event)] as const) {
      const stream = keeper()
      await through(new Console(stream), { format })
      const lines = stream.text.trim().split('\n')
      assert.deepEqual(
        lines.map(line => JSON.parse(line).action),
        ['dry-run', 'close'],
      )
    }
  })

  test('a logger that throws is reported, and nothing else', async () => {
    await through({
      info() {
        throw new Error('boom')
      },
    })
  })

  for (const target of [null, 1, {}, 'stdout', { write: 1 }]) {
    test(`refuses ${JSON.stringify(target)}`, () => {
      assert.throws(() => dropLog(target as never), { name: 'OptionsError', option: 'target' })
    })
  }

  test('refuses a level that the logger does not have', () => {
    assert.throws(() => dropLog(pino(keeper()), { level: 'shout' }), { name: 'OptionsError' })
  })
})

describe('a stream in trouble', () => {
  test('that ends: no crash, every further line is counted', async () => {
    const stream = new PassThrough()
    const stop = dropLog(stream)
    const to = await site([all()])
    await to.ask()
    stream.end()
    for (let i = 0; i < 3; i++) await to.ask()
    assert.equal(stop.lost, 3)
    stop()
  })

  test('that breaks: lines that were on their way are counted too', async () => {
    let fail: ((error: Error) => void) | undefined
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        fail = done
      },
    })
    const stop = dropLog(stream)
    const to = await site([all()])
    for (let i = 0; i < 4; i++) await to.ask()
    assert.equal(stop.lost, 0)
    fail?.(new Error('disk full'))
    await settle(5)
    await to.ask()
    await settle(5)
    assert.equal(stop.lost, 5)
    stop()
  })

  test('that is slow: bounded, and once it drains the number of lost lines is in the log', async () => {
    const chunks: string[] = []
    let release: (() => void) | undefined
    let slow = true
    const stream = new Writable({
      write(chunk, _encoding, done) {
        chunks.push(String(chunk))
        if (slow) release = done
        else done()
      },
    })
    const stop = dropLog(stream, { maxBuffer: 20_000 })
    const to = await site([all()])
    for (let i = 0; i < 300; i++) await to.ask()
    assert.ok(stream.writableLength < 21_000, `${stream.writableLength}`)
    assert.ok(stop.lost > 50, `${stop.lost}`)
    slow = false
    release?.()
    await settle(10)
    await to.ask()
    stop()
    const lines = chunks.join('').trim().split('\n')
    const said = lines.filter(line => line.startsWith('# drop444: '))
    assert.deepEqual(said, [`# drop444: ${stop.lost} lines lost`])
    assert.equal(lines.length - 1 + stop.lost, 301)
  })

  test('that is slow and then idle: the number is said without a further drop', async () => {
    const chunks: string[] = []
    const dones: (() => void)[] = []
    const stream = new Writable({
      write(chunk, _encoding, done) {
        chunks.push(String(chunk))
        if (dones.push(done) > 1) done()
      },
    })
    const stop = dropLog(stream, { maxBuffer: 500 })
    const to = await site([all()])
    for (let i = 0; i < 20; i++) await to.ask()
    dones[0]?.()
    await settle(5)
    stop()
    assert.ok(stop.lost > 0)
    assert.equal(chunks.at(-1), `# drop444: ${stop.lost} lines lost\n`)
  })

  test('that counts objects, not bytes', async () => {
    const stream = new Writable({ objectMode: true, write() {} })
    const stop = dropLog(stream)
    const to = await site([all()])
    for (let i = 0; i < 40; i++) await to.ask()
    stop()
    assert.ok(stream.writableLength <= 17, `${stream.writableLength}`)
    assert.equal(stream.writableLength + stop.lost, 40)
  })

  test('that throws', async () => {
    const stream = keeper()
    stream.write = () => {
      throw new Error('boom')
    }
    const stop = dropLog(stream)
    const to = await site([all()])
    for (let i = 0; i < 3; i++) await to.ask()
    stop()
    assert.equal(stop.lost, 3)
  })

  test('that only says when it is full, without a length', async () => {
    const lines: string[] = []
    const listeners: (() => void)[] = []
    let full = false
    const duck = {
      write(line: string) {
        lines.push(line)
        return !full
      },
      on: (event: string, listener: () => void) => event === 'drain' && listeners.push(listener),
      off() {},
      listeners: () => [],
    }
    const stop = dropLog(duck as never)
    const to = await site([all()])
    full = true
    for (let i = 0; i < 4; i++) await to.ask()
    full = false
    for (const listener of listeners) listener()
    await to.ask()
    stop()
    assert.equal(stop.lost, 3)
    assert.equal(lines.length, 3)
    assert.equal(lines[1], '# drop444: 3 lines lost\n')
  })

  test('unsubscribing twice, and two logs on one stream', async () => {
    const stream = keeper()
    const stops = [dropLog(stream), dropLog(stream, { format: 'combined' })]
    const to = await site([all()])
    await to.ask('/x')
    for (const stop of stops) stop()
    for (const stop of stops) stop()
    await to.ask('/x')
    assert.equal(stream.text.split('\n').length, 3)
    assert.equal(stream.listenerCount('error'), 1)
  })
})
