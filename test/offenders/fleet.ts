import type { TestContext } from 'node:test'
import { createClient } from 'redis'
import type { Address } from '../../lib/match/addresses/address.ts'
import { parseAddress } from '../../lib/match/addresses/address.ts'
import type { BanPolicy } from '../../lib/offenders/ban-policy.ts'
import { Networks } from '../../lib/offenders/networks.ts'
import { OffenceCounter } from '../../lib/offenders/offence-counter.ts'
import { makeClock } from '../../lib/offenders/offender-clock.ts'
import type { OffenderStore } from '../../lib/offenders/offender-store.ts'
import { Offenders } from '../../lib/offenders/offenders.ts'
import { StoreSync } from '../../lib/offenders/sync/store-sync.ts'
import { redisOffenders } from '../../lib/stores/redis/bans/redis-offenders.ts'
import { type Redis, type RedisOptions, startRedis } from '../support/redis.ts'
import { type TimeShift, withTime } from '../support/redis-time.ts'

/** Ten minutes each; a day at most. */
export const terms: BanPolicy = {
  limit: 3,
  window: 600_000,
  ban: 600_000,
  maxBan: 86_400_000,
  decay: 86_400_000,
}

export const addressOf = (text: string) => parseAddress(text) as Address

/** What one process has of it, with a connection of its own. */
export class Member {
  readonly offenders: Offenders
  readonly sync: StoreSync | undefined
  /** What was told of the store: an error, or undefined where it was back. */
  readonly states: unknown[] = []

  /** Without a store it is alone. */
  constructor(
    store: OffenderStore | undefined,
    own: Partial<BanPolicy> = {},
    maxBans = 1000,
    now?: () => number,
  ) {
    const all = { ...terms, ...own }
    this.offenders = new Offenders({
      terms: all,
      networks: new Networks(32, 64),
      counter: new OffenceCounter(all.limit, all.window, 1000),
      maxBans,
      clock: makeClock(now),
    })
    this.sync = store && this.#syncWith(store, all, maxBans)
  }

  #syncWith(store: OffenderStore, all: BanPolicy, maxBans: number): StoreSync {
    return new StoreSync(this.offenders, store, {
      terms: all,
      maxBans,
      onDown: error => void this.states.push(error),
      onUp: () => void this.states.push(undefined),
    })
  }

  /** Has told, and heard, all. */
  async flush(): Promise<void> {
    await this.sync?.flush()
  }

  offend(address: string, times = 1): void {
    for (let i = 0; i < times; i++) this.offenders.offend(addressOf(address), 'test')
  }

  isBanned(address: string): boolean {
    return this.offenders.banned(addressOf(address)) !== undefined
  }

  level(address: string): number | undefined {
    return this.offenders.banned(addressOf(address))?.level
  }

  lift(address: string): boolean {
    return this.offenders.lift(addressOf(address))
  }

  forgive(address: string): void {
    this.offenders.forgive(addressOf(address))
  }

  ban(address: string, duration?: number): void {
    this.offenders.ban(addressOf(address), 'by hand', duration)
  }
}

/** A store over a connection of its own, and what ends that. */
export async function connect(
  url: string,
  prefix = 'test:',
  shift?: TimeShift,
): Promise<[OffenderStore, () => void]> {
  const client = createClient({ url, socket: { reconnectStrategy: 50 } })
  client.on('error', () => {})
  await client.connect()
  const plain = (...command: string[]) => client.sendCommand(command)
  const shifted = shift ? withTime(plain, shift) : plain
  const send = (_key: string, _isReadOnly: boolean, command: string[]) => Promise.resolve(shifted(...command))
  return [redisOffenders(send, prefix), () => client.destroy()]
}

/** What one test has running, ended when it is over. */
export class Fleet {
  readonly #ends: (() => unknown)[] = []

  constructor(context: TestContext) {
    context.after(async () => {
      for (const end of this.#ends.reverse()) await end()
    })
  }

  async start(options: RedisOptions = {}): Promise<Redis> {
    const redis = await startRedis(options)
    this.#ends.push(() => redis.close())
    return redis
  }

  /** @param shift by how much the clock of Redis differs */
  async connect(url: string, prefix?: string, shift?: TimeShift): Promise<OffenderStore> {
    const [store, disconnect] = await connect(url, prefix, shift)
    this.#ends.push(disconnect)
    return store
  }

  add(store: OffenderStore, own?: Partial<BanPolicy>, maxBans?: number): Member {
    const member = new Member(store, own, maxBans)
    this.#ends.push(() => member.sync?.close())
    return member
  }

  /** A member that has heard what there is. */
  async join(url: string, own?: Partial<BanPolicy>, maxBans?: number): Promise<Member> {
    const member = this.add(await this.connect(url), own, maxBans)
    await member.flush()
    return member
  }

  joinAll(size: number, url: string, own?: Partial<BanPolicy>): Promise<Member[]> {
    return Promise.all(Array.from({ length: size }, () => this.join(url, own)))
  }
}

/** Waits until it is so, for at most so many milliseconds; tells after how many. */
export async function within(ms: number, isSo: () => boolean): Promise<number> {
  const start = performance.now()
  while (!isSo()) {
    if (performance.now() - start > ms) throw new Error(`not so within ${ms} ms`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return performance.now() - start
}
