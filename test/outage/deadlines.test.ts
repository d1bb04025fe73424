import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { Deadlines } from '../../lib/outage/deadlines.ts'

describe('deadlines', () => {
  let time: number
  let late: string[] = []
  beforeEach(() => {
    time = 0
    late = []
    mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
  })
  afterEach(() => mock.timers.reset())

  const make = (timeout: number) => new Deadlines(timeout, true, () => time)
  const add = (deadlines: Deadlines, name: string) => deadlines.add(() => late.push(`${name} at ${time}`))

  /** Time goes on, and timers come when they are due. */
  function pass(ms: number): void {
    for (let i = 0; i < ms; i++) {
      time++
      mock.timers.tick(1)
    }
  }

  /** Time goes on, and nothing of this process does; then what is due comes at once. */
  function block(ms: number): void {
    time += ms
    mock.timers.tick(10)
  }

  it('are over within the timeout, and not before nine tenths of it', () => {
    for (const timeout of [1, 2, 3, 10, 50, 333, 60_000]) {
      const deadlines = make(timeout)
      for (const start of [0, 1, 3]) {
        pass(start)
        const added = time
        late = []
        add(deadlines, 'it')
        while (late.length === 0) {
          assert.ok(time - added <= timeout, `${timeout}: waits on after ${time - added}`)
          pass(1)
        }
        assert.ok(time - added >= timeout * 0.88 - 1 && time - added <= timeout + 1, `${timeout}: ${late[0]}`)
      }
    }
  })

  it('end in the order in which they began', () => {
    const deadlines = make(50)
    add(deadlines, 'one')
    pass(10)
    add(deadlines, 'two')
    pass(10)
    const gone = add(deadlines, 'three')
    add(deadlines, 'four')
    assert.equal(deadlines.delete(gone), true)
    assert.equal(deadlines.delete(gone), false)
    pass(100)
    assert.deepEqual(
      late.map(each => each.split(' ')[0]),
      ['one', 'two', 'four'],
    )
  })

  it('all end when they are given up', () => {
    const deadlines = make(50)
    add(deadlines, 'one')
    const two = add(deadlines, 'two')
    deadlines.giveUp()
    assert.deepEqual(late, ['one at 0', 'two at 0'])
    assert.equal(deadlines.delete(two), false)
    pass(100)
    assert.equal(late.length, 2)
  })

  it('lose no more than half of the timeout where the process is blocked once', () => {
    const deadlines = make(40)
    add(deadlines, 'it')
    block(1_000)
    assert.deepEqual(late, [])
    pass(14)
    assert.deepEqual(late, [])
    pass(6)
    assert.equal(late.length, 1)
  })

  it('end where the process is blocked again and again', () => {
    const deadlines = make(40)
    add(deadlines, 'it')
    for (let i = 0; i < 2; i++) block(1_000)
    pass(1)
    assert.equal(late.length, 1)
  })

  it('are over only when what has arrived was read', () => {
    const deadlines = make(40)
    const wait = add(deadlines, 'it')
    pass(32)
    // The tick that finds it late, then what was in the socket, then the end.
    mock.timers.reset()
    mock.timers.enable({ apis: ['setTimeout'] })
    const [real, immediates] = [globalThis.setImmediate, [] as (() => void)[]]
    globalThis.setImmediate = ((run: () => void) => immediates.push(run)) as never
    try {
      const other = make(10)
      const answered = add(other, 'answered')
      add(other, 'silent')
      pass(12)
      assert.deepEqual(late, [])
      assert.equal(other.delete(answered), true)
      for (const run of immediates) run()
    } finally {
      globalThis.setImmediate = real
    }
    assert.deepEqual(late, [`silent at ${time}`])
    assert.equal(deadlines.delete(wait), true)
  })
})
