import type { Server } from 'node:net'

/** What Node asks of a `net.BlockList`. */
interface BlockList {
  check(address: string, family: 'ipv4' | 'ipv6'): boolean
}

type AskingServer = Server & { blockList?: BlockList | undefined }

/** The server's own list; none where the field is something else, or throws. */
function listOf(server: AskingServer): BlockList | undefined {
  try {
    const { blockList } = server
    return typeof blockList?.check === 'function' ? blockList : undefined
  } catch {
    return undefined
  }
}

/**
 * Has `refuses` asked at accept, before Node makes a socket, by the server's `blockList`: what it refuses is closed with FIN and
 * no event of Node's. Node asks from 22.13 on, and not where there is no address; what is not asked here comes to `connection`.
 *
 * @param refuses is given the peer's address as Node writes it; must not throw
 * @returns what undoes it
 */
export function askAtAccept(server: AskingServer, refuses: (written: string) => boolean): () => void {
  const before = Object.getOwnPropertyDescriptor(server, 'blockList')
  const theirs = listOf(server)
  let isOn = true
  // Its methods and its kind are those of theirs: an app may go on adding addresses by the server.
  const ours: BlockList = Object.assign(Object.create(theirs ?? null), {
    check: (address: string, family: 'ipv4' | 'ipv6') =>
      theirs?.check(address, family) || (isOn && refuses(address)),
  })
  // Where it can't be put there, the door is asked at `connection`.
  if (before?.configurable !== false) Reflect.defineProperty(server, 'blockList', asField(ours))
  return () => {
    isOn = false
    // Somebody has put a list over ours, and may ask it.
    if (listOf(server) !== ours) return
    if (before) Reflect.defineProperty(server, 'blockList', before)
    else Reflect.deleteProperty(server, 'blockList')
  }
}

const asField = (value: BlockList) => ({ value, configurable: true, enumerable: true, writable: true })
