import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { findCycle, reachable, sourceGraph } from './graph.ts'
import { root } from './tree.ts'

/**
 * The rooms of `lib/` from the ground up: a file imports from its own room and from those before it, types included. The flow's
 * files stand at the root; each is a floor of its own.
 */
const floors = [
  'runtime',
  'outage',
  'diagnostics',
  'match',
  'counting',
  'express',
  'reasons.ts',
  'request',
  'wire',
  'events',
  'options',
  'judgement.ts',
  'judging',
  'drop.ts',
  'enforce.ts',
  'rule.ts',
  'lists',
  'offenders',
  'stores',
  'routes',
  'server',
  'rules',
  'log',
  'surfaces',
] as const

type Room = (typeof floors)[number]

/** What a floor may still not see of those below it. A new room says here what it is kept from. */
const never: Partial<Record<Room, readonly Room[]>> = {
  match: ['outage', 'diagnostics'],
  counting: ['outage', 'diagnostics', 'match'],
  express: ['counting', 'diagnostics'],
  wire: ['match', 'counting', 'express'],
  events: ['wire', 'express', 'reasons.ts'],
  options: ['events', 'express', 'reasons.ts'],
  judging: ['events', 'express', 'counting'],
  lists: [
    'request',
    'wire',
    'events',
    'judgement.ts',
    'judging',
    'drop.ts',
    'enforce.ts',
    'rule.ts',
    'express',
  ],
  offenders: [
    ...['request', 'wire', 'events', 'express', 'lists'],
    ...['reasons.ts', 'judgement.ts', 'judging', 'drop.ts', 'enforce.ts', 'rule.ts'],
  ] as Room[],
  stores: [
    ...['request', 'wire', 'express', 'lists', 'match'],
    ...['reasons.ts', 'judgement.ts', 'judging', 'drop.ts', 'enforce.ts', 'rule.ts'],
  ] as Room[],
  routes: ['stores', 'offenders', 'lists', 'wire', 'events', 'drop.ts', 'enforce.ts', 'rule.ts'],
  server: ['stores', 'offenders', 'lists', 'routes', 'counting', 'rule.ts', 'enforce.ts'],
  log: [
    ...[
      'match',
      'counting',
      'express',
      'request',
      'wire',
      'judging',
      'lists',
      'offenders',
      'stores',
      'routes',
    ],
    ...['server', 'rules', 'reasons.ts', 'judgement.ts', 'drop.ts', 'enforce.ts', 'rule.ts'],
  ] as Room[],
}

/** `drop444/redis` is `lib/redis.ts`: one file for each entry of package.json's `exports`. */
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { default?: string } | string>
}
const surfaces = Object.values(exports).flatMap(entry =>
  typeof entry === 'string' || !entry.default
    ? []
    : [entry.default.replace('./dist/', 'lib/').replace('.js', '.ts')],
)

function roomOf(file: string): Room {
  if (surfaces.includes(file)) return 'surfaces'
  const room = file.split('/')[1]
  assert.ok((floors as readonly (string | undefined)[]).includes(room), `${file} is in no room`)
  return room as Room
}

/** Why an import must not be; undefined where it may. */
function wrong(from: Room, to: Room): string | undefined {
  if (from === to) return undefined
  if (floors.indexOf(to) > floors.indexOf(from)) return `${from} is below ${to}`
  return never[from]?.includes(to) ? `${from} must know nothing of ${to}` : undefined
}

describe('the rooms of lib/', () => {
  const graph = sourceGraph()

  test('at the root stand the public surfaces and the one flow', () => {
    const loose = [...graph.keys()].filter(file => file.split('/').length === 2)
    const flow = floors.filter(floor => floor.endsWith('.ts')).map(file => `lib/${file}`)
    assert.deepEqual(loose.sort(), [...surfaces, ...flow].sort())
  })

  test('every import leads down, types included', () => {
    const imports = [...graph].flatMap(([file, targets]) => targets.map(target => [file, target] as const))
    assert.ok(imports.length > 600, `${imports.length} imports`)
    const problems = imports.flatMap(([file, target]) => {
      const problem = wrong(roomOf(file), roomOf(target))
      return problem === undefined ? [] : [`${file} > ${target}: ${problem}`]
    })
    assert.deepEqual(problems, [])
  })

  test('there is no circle, of types neither', () => {
    assert.equal(findCycle(graph)?.join(' > '), undefined)
  })

  test('each room is in use, and so is each word of what it must not see', () => {
    const used = new Set([...graph.keys()].map(roomOf))
    assert.deepEqual(
      floors.filter(floor => !used.has(floor)),
      [],
    )
    for (const [from, list] of Object.entries(never))
      for (const to of list)
        assert.ok(floors.indexOf(to) < floors.indexOf(from as Room), `${from}: ${to} is above it anyway`)
  })

  test('every file is reached from a surface', () => {
    const reached = new Set(surfaces.flatMap(entry => [...reachable(graph, entry)]))
    assert.deepEqual(
      [...graph.keys()].filter(file => !reached.has(file)),
      [],
    )
  })

  test('no two files have one name', () => {
    const names = [...graph.keys()].map(file => basename(file))
    assert.deepEqual(
      names.filter((name, i) => names.indexOf(name) !== i),
      [],
    )
  })

  test('no file is longer than can be read in one go', () => {
    const long = [...graph.keys()].filter(
      file => readFileSync(join(root, file), 'utf8').split('\n').length > MOST_LINES,
    )
    assert.deepEqual(long, [])
  })

  test('the checks themselves find what is wrong', () => {
    const graphOf = (...edges: [string, string[]][]) => new Map(edges)
    assert.deepEqual(findCycle(graphOf(['a', ['b']], ['b', ['c', 'a']])), ['a', 'b', 'a'])
    assert.equal(findCycle(graphOf(['a', ['b', 'c']], ['b', ['c']], ['c', []])), undefined)
    assert.match(wrong('wire', 'rules') ?? '', /below/)
    assert.match(wrong('offenders', 'request') ?? '', /nothing of/)
    assert.ok(graph.get('lib/stores/rate-limit-store.ts')?.includes('lib/counting/leaky-bucket.ts'))
    const typesOnly = graph.get('lib/offenders/offenders.ts') ?? []
    assert.ok(typesOnly.includes('lib/counting/occasion.ts'), 'an import of a type is seen')
  })
})

/** Lines of one file. */
const MOST_LINES = 240
