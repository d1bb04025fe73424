/* Asks a server as often as it answers, on kept-alive connections. Asked by messages. */
import autocannon from 'autocannon'
import browsers from 'top-user-agents'
import { host, paths } from './rules.ts'

export interface Load {
  readonly port: number
  readonly seconds: number
}

export interface Answers {
  readonly requests: number
  readonly perSecond: number
  /** Those that are no 200, and errors. */
  readonly wrong: number
}

async function ask({ port, seconds }: Load): Promise<Answers> {
  const result = await autocannon({
    ...{ url: `http://127.0.0.1:${port}`, connections: 8, pipelining: 1, duration: seconds },
    headers: { Host: host, 'User-Agent': browsers[0] as string, Accept: '*/*' },
    requests: paths.map(path => ({ path })),
  })
  const { '2xx': right, non2xx, errors, duration } = result
  return { requests: right, perSecond: right / duration, wrong: non2xx + errors }
}

process.on('message', async (load: Load) => process.send?.(await ask(load)))
process.once('disconnect', () => process.exit())
process.send?.({})
