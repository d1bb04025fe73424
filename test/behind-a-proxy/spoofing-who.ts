import proxyaddr from 'proxy-addr'
import { type DropEvent, onDrop, type Request, rule } from '../../lib/index.ts'
import { type Place, startAt } from './spoofing-columns.ts'
import { Line, requestOf } from './spoofing-requests.ts'
import { expressTrust, type Setting, type Way } from './spoofing-settings.ts'
import type { Attempt } from './spoofing-table.ts'

/** Who asks: as the rules say, and as Express (or its proxy-addr) does. */
export interface Who {
  readonly ours: string | undefined
  readonly theirs: string | undefined
}

/** A server that tells who is judged. */
export async function askWho(
  place: Place,
  setting: Pick<Setting, 'trust'>,
  way: Way,
  attempts: readonly Attempt[],
): Promise<Who[]> {
  const trust = expressTrust(setting.trust)
  const ipOf = (req: Request & { ip?: string }) => (place.isExpress ? req.ip : proxyaddr(req as never, trust))
  const server = await startAt(
    place,
    setting.trust,
    options => [rule('who', () => true, { ...options, dryRun: true })],
    (req, res) => res.end(ipOf(req) ?? ''),
  )
  const line = new Line(server.port, way.from)
  let event: DropEvent | undefined
  const stop = onDrop(seen => {
    event = seen
  })
  const found: Who[] = []
  for (const attempt of attempts) {
    event = undefined
    const { status, body } = await line.ask(requestOf(attempt, way))
    const ours = (event as DropEvent | undefined)?.clientAddress
    found.push(status === '200' ? { ours, theirs: body } : { ours: `status ${status}`, theirs: body })
  }
  stop()
  line.close()
  await server.close()
  return found
}
