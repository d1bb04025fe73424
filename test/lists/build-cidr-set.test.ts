import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  allowCidr,
  type CidrSet,
  cidrSet,
  denyCidr,
  drop444,
  noHost,
  OptionsError,
  protect,
  unprotect,
} from '../../lib/index.ts'
import { parseAddress } from '../../lib/match/addresses/address.ts'
import { compileSet } from '../../lib/match/addresses/cidr-compile.ts'
import { addEntry, CidrList } from '../../lib/match/addresses/cidr-entry.ts'
import { addressList } from '../../lib/options/address-list.ts'
import { brief, sites } from '../support/ask.ts'
import { entry } from '../support/reference/cidrs.ts'

async function* later(entries: Iterable<string>) {
  for (const each of entries) {
    await new Promise(resolve => setImmediate(resolve))
    yield each
  }
}

describe('cidrSet', () => {
  test('makes the set that the factories make, of anything that can be iterated over', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async entries => {
        const texts = entries.map(({ text }) => text)
        const expected = addressList('test', 'list', texts)
        for (const list of [texts, new Set(texts), texts.values(), later(texts)]) {
          const set = await cidrSet(list)
          assert.equal(set.size, expected.size)
          for (const edge of entries.flatMap(({ edges }) => edges)) {
            const address = parseAddress(edge)
            assert.ok(address)
            assert.equal(set.match(address), expected.match(address), edge)
          }
        }
      }),
      { numRuns: 50 },
    )
  })

  test('others get their turn while it reads, and while it sorts and merges', async () => {
    const turns = { reading: 0, compiling: 0 }
    let phase: keyof typeof turns | undefined = 'reading'
    function* entries() {
      for (let i = 0; i < 300_000; i++) yield `${1 + (i % 200)}.${i & 255}.${(i >> 8) & 255}.${i >> 16}`
      phase = 'compiling'
    }
    const turn = () => {
      if (!phase) return
      turns[phase]++
      setImmediate(turn)
    }
    setImmediate(turn)
    const set = await cidrSet(entries())
    phase = undefined
    assert.ok(set.size > 250_000)
    assert.ok(turns.reading >= 5 && turns.compiling >= 3, JSON.stringify(turns))
  })

  test('no step of the compiler takes long, whatever the list', () => {
    const list = new CidrList()
    for (let i = 0; i < 100_000; i++) addEntry(list, `2001:db8:${(i >> 8).toString(16)}:${i & 255}::/64`)
    let steps = 0
    for (const _ of compileSet(list)) steps++
    // To number, to count and to place by six bytes of each start, to merge, to index.
    assert.ok(steps >= 500, `${steps} steps`)
  })

  test('rejects with what a factory throws, and reads no further', async () => {
    for (const [list, value] of [
      [['192.0.2.1', 'junk', 'more'], 'junk'],
      [later(['192.0.2.1', '0.0.0.0/0']), '0.0.0.0/0'],
      [['192.0.2.1', 7], 7],
    ] as const) {
      await assert.rejects(cidrSet(list as never), (error: OptionsError) => {
        assert.ok(error instanceof OptionsError)
        assert.deepEqual([error.code, error.option, error.value], ['DROP444_INVALID_ENTRY', 'list', value])
        assert.match(error.message, /^cidrSet: .*\(entry 1\)/)
        return true
      })
    }
    for (const bad of [undefined, null, '192.0.2.1', 7, {}, () => []])
      await assert.rejects(cidrSet(bad as never), OptionsError)
  })
})

describe('a set in place of a list', () => {
  const site = sites()

  test('denyCidr, allowCidr, except', async () => {
    const set = await cidrSet(['127.1.0.0/16'])
    const ask = async (rule: Parameters<typeof site>[0][number], localAddress: string) =>
      brief(await (await site([rule])).ask('/', {}, { localAddress }))
    assert.equal(await ask(denyCidr(set), '127.1.2.3'), 'denied-address: 127.1.0.0/16')
    assert.equal(await ask(denyCidr(set), '127.2.2.3'), 'pass')
    assert.equal(await ask(allowCidr(set), '127.1.2.3'), 'pass')
    assert.equal(await ask(allowCidr(set), '127.2.2.3'), 'unlisted-address: 127.2.2.3')
    assert.equal(await ask(denyCidr(['loopback'], { except: set }), '127.1.2.3'), 'pass')
    const all = drop444({ denyCidr: { list: ['loopback'] }, except: set })
    assert.equal(await ask(all, '127.1.2.3'), 'pass')
    assert.equal(await ask(all, '127.2.2.3'), 'denied-address: loopback')
    unprotect(protect(createServer(), { except: set }))
  })

  test('an empty one denies and allows nobody: a slip, as an empty list is; nobody may be excepted', async () => {
    const empty = await cidrSet([])
    assert.equal(empty.size, 0)
    for (const make of [denyCidr, allowCidr])
      assert.throws(() => make(empty), { code: 'DROP444_INVALID_OPTION', option: 'list' })
    noHost({ except: empty })
  })

  test('what only looks like one is none', () => {
    const fake = { size: 1, bytes: 1, has: () => true, match: () => 'x' } as unknown as CidrSet
    assert.throws(() => denyCidr(fake), OptionsError)
    assert.throws(() => noHost({ except: fake }), OptionsError)
  })
})

test('a set holds nothing that is no address, and a list that misreports its length whole', async () => {
  const set = await cidrSet(['0.0.0.0/1'])
  for (const none of [undefined, null, 1, '', 'x', '1.2.3'] as (string | undefined)[])
    assert.equal(set.has(none), false)
  const odd = Object.assign([] as string[], {
    *[Symbol.iterator]() {
      yield* ['192.0.2.1', '192.0.2.3', '192.0.2.5']
    },
  })
  assert.equal((await cidrSet(odd)).size, 3)
})
