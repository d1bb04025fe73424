import assert from 'node:assert/strict'
import { type Address, parseAddress } from '../../lib/match/addresses/address.ts'

/** The address that a text surely is. */
export function parse(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address, text)
  return address
}
