import { sharedKey } from '../../runtime/copies.ts'
import type { Address } from './address.ts'
import type { CidrTable } from './cidr-table.ts'
import { scanAddress, scanned } from './scan-address.ts'

const kSet: unique symbol = /* @__PURE__ */ sharedKey('cidr-set') as never

/** Whether a value is a {@link CidrSet} of this or another copy of the package. */
export const isCidrSet = (value: unknown): value is CidrSet =>
  typeof value === 'object' && value !== null && kSet in value

/** A compiled set of addresses, made by {@link cidrSet}: for `denyCidr`, `allowCidr` and `except`. It never changes. */
export class CidrSet {
  /** @internal */
  declare readonly [kSet]: true
  readonly #v4: CidrTable
  readonly #v6: CidrTable

  /** @internal */
  constructor(v4: CidrTable, v6: CidrTable) {
    this[kSet] = true
    this.#v4 = v4
    this.#v6 = v6
  }

  /** How many ranges it holds. An entry within another one is not counted. */
  get size(): number {
    return this.#v4.columns.count + this.#v6.columns.count
  }

  /** The bytes of memory it takes, but for the texts of ranges `first-last` and of entries with host bits or in another spelling. */
  get bytes(): number {
    return [this.#v4, this.#v6].reduce(
      (sum, { index, columns: { starts, sizes } }) =>
        sum + index.byteLength + starts.byteLength + sizes.byteLength,
      0,
    )
  }

  /** Whether it holds an IPv4 or IPv6 address, in any spelling; false where `address` is none. */
  has(address: string | undefined): boolean {
    // `remoteAddress` of a unix-domain socket, and of a closed one, is undefined.
    const family = typeof address === 'string' ? scanAddress(address) : 0
    return family !== 0 && (family === 4 ? this.#v4 : this.#v6).find() >= 0
  }

  /**
   * The text of an entry that holds the address, or undefined.
   *
   * @internal
   */
  match(address: Address): string | undefined {
    const { setMemo } = address
    if (!setMemo) return this.#find(address)
    const { sets } = setMemo
    for (let i = 0; i < sets.length; i++) if (sets[i] === this) return setMemo.texts[i]
    const text = this.#find(address)
    setMemo.keep(this, text)
    return text
  }

  #find({ family, words }: Address): string | undefined {
    for (let i = 0; i < words.length; i++) scanned[i] = words[i] as number
    const table = family === 4 ? this.#v4 : this.#v6
    const index = table.find()
    return index < 0 ? undefined : table.columns.textOf(index)
  }
}
