import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { OptionsError, type ShedLoadOptions, shedLoad } from '../../lib/index.ts'
import { root } from '../package/tree.ts'
import { reader } from '../support/reader.ts'

test('nothing else turns it on, nor keeps a process alive', () => {
  const script = `
    import { drop444, shedLoad } from './lib/index.ts'
    const rules = []
    const hooks = process.getBuiltinModule('node:perf_hooks')
    const { monitorEventLoopDelay } = hooks
    hooks.monitorEventLoopDelay = options => {
      console.log('monitors')
      return monitorEventLoopDelay(options)
    }
    if (process.argv[1] === 'on') for (let i = 0; i < 5; i++) rules.push(shedLoad({ interval: 10 }))
    else rules.push(drop444({ badAgent: true, noHost: true }))
    setTimeout(() => console.log('end'), 100)
  `
  for (const which of ['on', 'off']) {
    const args = [...reader, '--input-type=module', '-e', script, which]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.deepEqual([status, stdout, stderr], [0, `${which === 'on' ? 'monitors\n' : ''}end\n`, ''])
  }
})

test('a slip is refused', () => {
  for (const [options, option] of [
    [{ maxDelay: 9 }, 'maxDelay'],
    [{ maxDelay: '250' }, 'maxDelay'],
    [{ interval: 0 }, 'interval'],
    [{ retryAfter: 0 }, 'retryAfter'],
    [{ maxdelay: 250 }, 'maxdelay'],
    [{ maxEventLoopDelay: 250 }, 'maxEventLoopDelay'],
  ] as const) {
    assert.throws(
      () => shedLoad(options as ShedLoadOptions),
      error => error instanceof OptionsError && error.option === option,
    )
  }
  assert.throws(() => shedLoad({ headers: {}, httpVersion: '1.1' } as never), { code: 'DROP444_NOT_CALLED' })
  assert.equal(shedLoad().name, 'shedLoad')
})
