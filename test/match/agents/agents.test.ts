import assert from 'node:assert/strict'
import { test } from 'node:test'
import crawlers from 'crawler-user-agents'
import fc from 'fast-check'
import browsers from 'top-user-agents'
import { type AgentPattern, badAgent, OptionsError, scannerAgents } from '../../../lib/index.ts'
import { compileAgents } from '../../../lib/match/agents/agents.ts'
import { cpuTime } from '../../support/cpu-time.ts'
import { holdsWord, matchingAgents, shownAgent } from '../../support/reference/agents.ts'

const table: readonly [pattern: AgentPattern, found: readonly string[], not: readonly string[]][] = [
  [
    'Disco',
    ['Disco', 'disco/1.0', 'Mozilla DISCO;', '(disco)', 'a-disco-b'],
    ['Discourse', 'xdisco', 'Disco1', 'disco_x'],
  ],
  ['bot', ['bot', 'a bot', 'Bot!'], ['robot', 'bots', 'botnet', 'b.ot', '']],
  [
    'Nmap Scripting Engine',
    ['Mozilla/5.0 (compatible; Nmap Scripting Engine; x)'],
    ['Nmap  Scripting Engine', 'Nmap'],
  ],
  ['a.b', ['a.b', 'x a.b/1'], ['axb', 'a.bc', 'xa.b']],
  ['c++', ['c++', 'c++11', 'x c++y'], ['c+', 'cc++', 'c']],
  ['(Hydra)', ['Mozilla/4.0 (Hydra)', 'x(hydra)y'], ['Hydra', '(Hydra']],
  ['[x]', ['[x]', 'a[X]b'], ['x']],
  ['^a$', ['^a$', 'b^A$c'], ['a']],
  ['a|b', ['a|b'], ['a', 'b']],
  ['a\\b', ['a\\b'], ['a', 'ab', 'a b']],
  ['{1}/*?', ['{1}/*?'], ['1']],
  ['-', ['a-b', '-'], ['a']],
  ['é', ['xé', 'É'], ['e']],
  [/bot/, ['robot', 'bots'], ['Bot', 'BOT']],
  [/bot/i, ['roBOT'], ['b']],
  [/^curl\//, ['curl/8'], ['x curl/8']],
  [/curl/i, ['xCURL'], ['cur']],
  [/(?<first>a)\k<first>/, ['aa'], ['a', 'ab']],
  [/(a|b)\1/, ['xbb'], ['ab']],
  [/sun|kim/iu, ['\u017fun', '\u212aim', 'SUN'], ['so']],
  [/curl/y, ['curl/8'], ['x curl/8']],
  [{ pattern: 'Googlebot\\/' }, ['Googlebot/2.1'], ['Googlebot', 'googlebot/2.1']],
  ['sun', ['SUN'], ['\u017fun', 'sunk']],
  ['bot', ['robot bot', 'bots, bot'], ['robot bots']],
  [{ pattern: 'Bot' }, ['bot Bot'], ['bot BOT bOt']],
  [{ pattern: 'S[eE]m|^x' }, ['sem Sem', 'SEm', 'x'], ['sem', 'ax']],
  [{ pattern: '^$|^-$' }, ['-'], ['a-']],
]

/** None is in an agent here. With so many others a pattern is looked for in another way. */
const crowd = Array.from({ length: 30 }, (_, index): AgentPattern => {
  return index % 2 === 0 ? `zebra${index}` : { pattern: `Zebra\\/${index}` }
})

for (const [pattern, found, not] of table) {
  test(`${JSON.stringify(shownAgent(pattern))} is found in ${found.join(', ')}`, () => {
    for (const match of [compileAgents([pattern]), compileAgents([...crowd, pattern])]) {
      for (const agent of found) assert.equal(match(agent), shownAgent(pattern), agent)
      for (const agent of not) assert.equal(match(agent), undefined, agent)
    }
    assert.deepEqual(matchingAgents([pattern], found[0] as string), [pattern])
  })
}

const unit = fc.constantFrom(...'aAbBzZ019_ -./()[]{}+*?^$|\\;:,!éß')
const phrase = fc.string({ unit, minLength: 1, maxLength: 4 }).filter(text => /\w/.test(text))
const anyPattern: fc.Arbitrary<AgentPattern> = fc.oneof(
  phrase,
  phrase,
  fc.constantFrom(/a+b/, /A/i, /z$/g, /b/y, /[01]{2}/gi, /(z)|(.)\2/, /(?<two>b)\k<two>/, /aB/, /^a|b./),
  fc.constantFrom({ pattern: 'a\\.b' }, { pattern: '^z' }, { pattern: 'aB' }, { pattern: 'B(_|-)?a' }),
)

test('strings, RegExps and { pattern } objects are what a loop over them finds', () => {
  const agents = fc.array(fc.string({ unit, maxLength: 14 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.array(anyPattern, { maxLength: 6 }), fc.boolean(), agents, (some, isCrowd, texts) => {
      const patterns = isCrowd ? [...crowd, ...some] : some
      const match = compileAgents(patterns)
      for (const agent of texts) {
        const all = matchingAgents(patterns, agent)
        const found = match(agent)
        const said = `${JSON.stringify(agent)} against ${patterns.map(shownAgent).join(' , ')}`
        if (found === undefined) assert.deepEqual(all, [], said)
        else
          assert.ok(
            all.some(each => shownAgent(each).toLowerCase() === found.toLowerCase()),
            `${said}: ${found}`,
          )
      }
    }),
    { numRuns: 3000 },
  )
})

test('a RegExp with g or y keeps no place, and is not touched', () => {
  const expression = Object.freeze(/bot/gi)
  const match = compileAgents([expression])
  for (let i = 0; i < 5; i++) assert.equal(match('a bot, a bot'), '/bot/gi')
  const own = /bot/g
  own.lastIndex = 7
  assert.equal(compileAgents([own])('bot'), '/bot/g')
  assert.equal(own.lastIndex, 7)
})

test('crawler-user-agents works as it is, and agrees with a loop of its RegExps', () => {
  const loop = crawlers.map(({ pattern }) => ({ pattern, expression: new RegExp(pattern) }))
  const instances = crawlers.flatMap(each => each.instances)
  assert.ok(instances.length > 1000)
  for (const count of [24, 25, 650, crawlers.length]) {
    const match = compileAgents(crawlers.slice(0, count))
    const part = loop.slice(0, count)
    for (const agent of [...instances, ...browsers]) {
      const all = part.filter(({ expression }) => expression.test(agent)).map(({ pattern }) => pattern)
      const found = match(agent)
      if (found === undefined) assert.deepEqual(all, [], agent)
      else assert.ok(all.includes(found), `${agent}: ${found}`)
    }
  }
})

test('more patterns than the automaton has room for are found all the same', () => {
  const many = Array.from({ length: 3000 }, (_, index) => `${index}${'long'.repeat(6)}`)
  const match = compileAgents([...many, { pattern: 'x{2}Bot' }, '(last)'])
  for (const index of [0, 1, 17, 1500, 2350, 2999]) {
    assert.equal(match(`a ${many[index]}/1`), many[index])
    assert.equal(match(`a ${many[index]}x`), undefined)
  }
  assert.equal(match('xxBot'), 'x{2}Bot')
  assert.equal(match('a(last)'), '(last)')
})

test('an expression is asked about an agent once, however often its needle stands there', ({ mock }) => {
  const match = compileAgents([...crowd, /bot(?=\d)/])
  const { mock: tests } = mock.method(RegExp.prototype, 'test')
  for (const [index, agent] of ['bot bot bot', 'bot bot bot', 'a', 'bot bot1'].entries()) {
    assert.equal(match(agent), index === 3 ? '/bot(?=\\d)/' : undefined)
  }
  assert.equal(tests.callCount(), 3)
})

test('the kept list agrees with the reference on every agent of crawler-user-agents', () => {
  const match = compileAgents(scannerAgents)
  for (const agent of crawlers.flatMap(each => each.instances)) {
    const all = scannerAgents.filter(word => holdsWord(agent, word))
    const found = match(agent)
    assert.equal(found === undefined, all.length === 0, agent)
    if (found !== undefined) assert.ok(all.includes(found), `${agent}: ${found}`)
  }
})

test('no pattern, no match', () => {
  assert.equal(compileAgents([])('sqlmap'), undefined)
})

const refused = [
  '',
  ' ',
  '-',
  '()',
  '/',
  null,
  undefined,
  42,
  [],
  {},
  { pattern: '' },
  { pattern: '(' },
  { pattern: '.*' },
  { pattern: 1 },
]

for (const bad of refused) {
  test(`the pattern ${JSON.stringify(bad)} is refused, and named`, () => {
    for (const option of ['patterns', 'allow'] as const) {
      assert.throws(
        () => badAgent({ [option]: ['sqlmap', bad as never] }),
        (error: unknown) => {
          assert.ok(error instanceof OptionsError, `${error}`)
          assert.deepEqual([error.code, error.option, error.value], ['DROP444_INVALID_ENTRY', option, bad])
          return true
        },
      )
    }
  })
}

test('a long agent takes no time', () => {
  const match = compileAgents([...scannerAgents, 'a b', 'c++', '(x)', 'é', /sqlmax|w3ag/])
  for (const part of ['a', 'a ', '(', 'sqlma', 'w3af.', 'Nmap Scripting ', 'Hello, ', ' ', '-']) {
    const agent = part.repeat(16_384 / part.length)
    assert.ok(cpuTime(() => match(agent)) < 100, part)
  }
})

test('a word beyond ASCII is in lower case before it is looked for: "\u1e9e" too', () => {
  for (const many of [[], scannerAgents])
    assert.equal(compileAgents([...many, 'GRO\u1e9eBOT'])('gro\xdfbot'), 'GRO\u1e9eBOT')
})

test('expressions of thousands of groups are compiled each for itself', () => {
  const patterns = Array.from({ length: 10 }, (_, i) => new RegExp('(a)'.repeat(4000) + i))
  assert.equal(compileAgents(patterns)('hello'), undefined)
})
