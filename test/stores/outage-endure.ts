import assert from 'node:assert/strict'
import type { OnStoreError } from '../../lib/stores/rate-limit-store.ts'
import { settle } from '../support/events.ts'
import type { Client } from './outage-clients.ts'
import type { Fault } from './outage-faults.ts'
import { watchPatience } from './outage-patience.ts'
import { KEYS, lasting, loaded, OutageSite, type Sample, TIMEOUT, until } from './outage-site.ts'

/** Longer than what a client queued may still be counted, in milliseconds. */
const OUTAGE = 1_500

export function assertNobodyWaited({ samples }: OutageSite, patience: number): void {
  const longest = Math.max(...samples.map(({ ms }) => ms))
  const most = TIMEOUT + patience
  assert.ok(longest < most, `somebody waited for ${longest} ms, not ${most}`)
}

/** What happens to nobody's request need not be noticed; but who says that it is down says that it is up. */
function assertEvents({ events }: OutageSite, { isBrief }: Fault): void {
  if (isBrief && events.length === 0) return
  assert.deepEqual(
    events.map(({ state }) => state),
    ['down', 'up'],
  )
}

/** What somebody finds who asks between the two. */
function assertMode(mode: OnStoreError, samples: readonly Sample[], from: number, to: number): void {
  const during = samples.filter(({ at }) => at > from && at < to).map(({ decision }) => decision)
  assert.ok(during.length > 50, `${during.length} decisions`)
  const passed = during.filter(({ allowed }) => allowed).length
  if (mode === 'pass') assert.equal(passed, during.length)
  else if (mode === 'drop') assert.ok(during.every(({ allowed, isUnknown }) => !allowed && isUnknown))
  else assert.ok(passed > 0 && during.every(({ isUnknown }) => !isUnknown), `${passed} passed`)
}

/** No key had more than its bucket holds, whoever decided: an outage is no new burst. */
function assertNoBurst(samples: readonly Sample[], end: number): void {
  const start = Math.min(...samples.map(({ at }) => at))
  const most = 2 + (loaded.burst + ((end - start) * loaded.rate) / 1000) / 1000
  const passed = samples.filter(({ at, decision }) => at < end && decision.allowed)
  for (let i = 0; i < KEYS; i++) {
    const ofKey = passed.filter(({ key }) => key === `key-${i}`).length
    assert.ok(ofKey <= most, `${ofKey} passed, and the bucket had ${most}`)
  }
}

/** One bucket, in Redis, lets pass as many as it holds. */
async function assertCounts(site: OutageSite): Promise<void> {
  const asked = await Promise.all(Array.from({ length: 10 }, () => site.ask('after', lasting(5))))
  assert.equal(asked.filter(({ allowed }) => allowed).length, 6)
  assert.equal(site.counted('after'), 6)
}

/** What the client had queued, and sent long after nobody waited any longer, was not counted. */
function assertNoneLate(site: OutageSite, { keepsData, mayLose = false }: Fault): void {
  const inTime = site.answered.filter(ms => ms < 1_200).length
  const counted = site.counted('late')
  // Of the last requests a replica may not have heard.
  const [least, most] = keepsData ? [mayLose ? 0 : 1, inTime] : [0, 0]
  assert.ok(counted >= least && counted <= most, `${counted} were counted, not from ${least} to ${most}`)
}

/** @returns when it was put right */
async function suffer(site: OutageSite, { isFirst, strike, heal }: Fault): Promise<number> {
  if (!isFirst) await site.connected()
  site.load()
  if (!isFirst) {
    await settle(300)
    assert.deepEqual(site.events, [])
    await strike(site.redis)
  }
  // What is under way when it happens.
  for (let i = 0; i < 20; i++) void site.ask('late', lasting(1000))
  await settle(OUTAGE)
  const healedAt = performance.now()
  await site.heal(heal)
  return healedAt
}

/** Has a limit under load live through a fault of its store, and looks at all that is promised. */
export async function endure(
  fault: Fault,
  connect: (port: number) => Client | Promise<Client>,
  mode: OnStoreError,
): Promise<void> {
  const site = await OutageSite.start(fault, connect, mode)
  const patience = watchPatience()
  try {
    const healedAt = await suffer(site, fault)
    if (!fault.isBrief) await until('it is up', () => site.events.length >= 2)
    await settle(300)
    await assertCounts(site)
    await site.stopLoad()
    assertNobodyWaited(site, patience())
    assertEvents(site, fault)
    if (!fault.isHeard) assertNoneLate(site, fault)
    const [down, up] = site.events
    if (fault.isBrief || !down || !up) return
    assertMode(mode, site.samples, down.at + 10, healedAt)
    if (mode === 'memory') assertNoBurst(site.samples, up.at)
  } finally {
    await site.close()
  }
}
