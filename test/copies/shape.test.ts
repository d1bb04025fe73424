import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { SHAPE } from '../../lib/runtime/copies.ts'
import { read } from '../support/docs.ts'

/** The fields of an interface with their types, as a few letters. */
function print(file: string, name: string): string {
  const [, body] =
    new RegExp(`^(?:export )?interface ${name}\\b[^{]*(\\{.*?^\\})`, 'ms').exec(read(`lib/${file}`)) ?? []
  assert.ok(body, `${file} has no interface ${name}`)
  const fields = body.replace(/\/\*.*?\*\//gs, '').replace(/\s+/g, ' ')
  return createHash('sha256').update(fields).digest('hex').slice(0, 8)
}

/** All that copies of this shape read of each other. */
const SHAPE_HERE = 1
const kept: readonly (readonly [file: string, name: string, print: string])[] = [
  ['request/request-state.ts', 'RequestState', 'b7686b48'],
  ['counting/occasion.ts', 'Occasion', '459907df'],
  ['request/request-state.ts', 'ConnectionState', 'f83e0204'],
  ['judging/rule-info.ts', 'RuleInfo', '49e95423'],
  ['reasons.ts', 'Finding', '1a6aa266'],
  ['events/verdict-watchers.ts', 'VerdictWatcher', '42f627ba'],
  ['events/verdict-watchers.ts', 'ConnectionOrigin', '6c8633f8'],
  ['events/drop-event.ts', 'DropEvent', '80daf13c'],
  ['request/request-facts.ts', 'RequestFacts', 'cd25a5df'],
  ['request/peer-address.ts', 'Peer', 'cca6d0c7'],
  ['match/addresses/address.ts', 'Address', '44da53d0'],
  ['server/host-rules.ts', 'HostRule', '42defac3'],
  ['wire/http2-drops.ts', 'Tally', 'a8b35fd7'],
  ['wire/http2-goaway.ts', 'Leaving', '0847193a'],
  ['events/store-outages.ts', 'Outage', '9f969a1a'],
]

test('whoever changes what copies share counts SHAPE up, unless no version with it was published yet', () => {
  assert.equal(SHAPE, SHAPE_HERE)
  assert.deepEqual(
    kept.map(([file, name]) => [file, name, print(file, name)]),
    kept,
    'something that several copies of the package read of each other has changed: see lib/runtime/copies.ts',
  )
})
