import { slotOf } from '../cluster-slot.ts'
import type { Counted } from './limit-request.ts'

/** The keys of one request that share a slot, and which of the request's limits they are. */
interface SlotPart {
  readonly asks: Counted[]
  readonly places: number[]
}

function partsOf(asks: readonly Counted[]): SlotPart[] {
  const parts = new Map<number, SlotPart>()
  for (const [place, counted] of asks.entries()) {
    const slot = slotOf(counted.key)
    const part = parts.get(slot) ?? { asks: [], places: [] }
    parts.set(slot, part)
    part.asks.push(counted)
    part.places.push(place)
  }
  return [...parts.values()]
}

/**
 * Decides on one request whose limits are in several slots of a Cluster, where no script sees all of them: first it asks each slot,
 * then, if all allow the request, it counts in each. A request of another process in between may make a limit reject after all,
 * when the others have already counted. No limit ever lets through more than it allows.
 *
 * @param ask what the script says of these keys
 */
export async function askInSlots(
  asks: readonly Counted[],
  ask: (part: readonly Counted[], counts: boolean) => Promise<readonly number[]>,
): Promise<readonly number[]> {
  const parts = partsOf(asks)
  const askAll = async (counts: boolean) => {
    const values: number[] = []
    const answers = await Promise.all(parts.map(part => ask(part.asks, counts)))
    for (const [i, { places }] of parts.entries()) {
      for (const [j, place] of places.entries()) values[place] = (answers[i] as number[])[j] as number
    }
    return values
  }
  const first = await askAll(false)
  return first.some(value => value < 0) ? first : askAll(true)
}
