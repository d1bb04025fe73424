import assert from 'node:assert/strict'
import { test } from 'node:test'
import crawlers from 'crawler-user-agents'
import fc from 'fast-check'
import { type AgentPattern, badAgent, OptionsError, scannerAgents } from '../../lib/index.ts'
import { compileAgents } from '../../lib/match/agents.ts'
import { holdsWord, matchingAgents, shownAgent } from '../support/reference/agents.ts'

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
  [/curl/y, ['curl/8'], ['x curl/8']],
  [{ pattern: 'Googlebot\\/' }, ['Googlebot/2.1'], ['Googlebot', 'googlebot/2.1']],
  [{ pattern: '^$|^-$' }, ['-'], ['a-']],
]

for (const [pattern, found, not] of table) {
  test(`${JSON.stringify(shownAgent(pattern))} is found in ${found.join(', ')}`, () => {
    const match = compileAgents([pattern])
    for (const agent of found) assert.equal(match(agent), shownAgent(pattern), agent)
    for (const agent of not) assert.equal(match(agent), undefined, agent)
    assert.deepEqual(matchingAgents([pattern], found[0] as string), [pattern])
  })
}

const unit = fc.constantFrom(...'aAbBzZ019_ -./()[]{}+*?^$|\\;:,!éß')
const phrase = fc.string({ unit, minLength: 1, maxLength: 4 }).filter(text => /\w/.test(text))
const anyPattern: fc.Arbitrary<AgentPattern> = fc.oneof(
  phrase,
  phrase,
  fc.constantFrom(/a+b/, /A/i, /z$/g, /b/y, /[01]{2}/gi),
  fc.constantFrom({ pattern: 'a\\.b' }, { pattern: '^z' }),
)

test('strings, RegExps and { pattern } objects are what a loop over them finds', () => {
  const agents = fc.array(fc.string({ unit, maxLength: 14 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.array(anyPattern, { maxLength: 6 }), agents, (patterns, texts) => {
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

test('crawler-user-agents works as it is: each instance finds a pattern, the same as a loop of its RegExps', () => {
  const match = compileAgents(crawlers)
  const loop = crawlers.map(({ pattern }) => ({ pattern, expression: new RegExp(pattern) }))
  const instances = crawlers.flatMap(each => each.instances)
  assert.ok(instances.length > 1000)
  for (const agent of instances) {
    const first = loop.find(({ expression }) => expression.test(agent))?.pattern
    assert.equal(match(agent), first, agent)
    assert.notEqual(first, undefined, agent)
  }
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
  const match = compileAgents([...scannerAgents, 'a b', 'c++', '(x)'])
  for (const part of ['a', 'a ', '(', 'sqlma', 'w3af.', 'Nmap Scripting ', 'Hello, ', ' ', '-']) {
    const agent = part.repeat(16_384 / part.length)
    const start = performance.now()
    match(agent)
    assert.ok(performance.now() - start < 100, part)
  }
})
