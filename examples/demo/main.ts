import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
// In an app of yours: from 'drop444'
import { dropLog } from '../../lib/index.ts'
import type { Ask, Target } from './client.ts'
import { readSample } from './log-sample.ts'
import { floodProblem, type Outcome, play } from './play.ts'
import { flood, probes } from './probes.ts'
import { failuresOf, hints, tableOf } from './report.ts'
import { createSite, limit } from './site.ts'

const PREFERRED_PORT = 4440

function listen(server: Server, port: number, host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** The preferred port, or any free one. */
async function listenSomewhere(server: Server): Promise<number> {
  const asked = Number(process.env.PORT ?? PREFERRED_PORT)
  const wanted = Number.isInteger(asked) && asked >= 0 && asked < 65_536 ? asked : PREFERRED_PORT
  try {
    return await listen(server, wanted)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    const port = await listen(server, 0)
    console.log(`Port ${wanted} is taken, so this is ${port}.`)
    return port
  }
}

/** Whether all of 127.0.0.0/8 is here (Linux, Windows), or 127.0.0.1 alone (macOS). */
async function hasOneAddress(): Promise<boolean> {
  const trial = createServer()
  try {
    await listen(trial, 0, '127.51.100.66')
    return false
  } catch {
    return true
  } finally {
    trial.close()
  }
}

async function main(): Promise<void> {
  const oneAddress = process.argv.includes('--one-address') || (await hasOneAddress())
  const server = createServer(createSite(oneAddress))
  const port = await listenSomewhere(server)
  const target: Target = { port, oneAddress }
  console.log(
    `A small site on http://localhost:${port}/ with five rules in front. The lines below are dropLog's.`,
  )
  if (oneAddress) console.log('One loopback address here: clients are told apart by X-Forwarded-For.')
  dropLog(process.stdout)
  const end = () => {
    server.close()
    server.closeAllConnections()
  }

  // On a terminal the lines should come at a pace that the eye can follow.
  const pause = process.stdout.isTTY ? 6 : 0
  const part = (title: string, asks: readonly Ask[], wait = pause): Promise<Outcome[]> => {
    console.log(`\n${title}\n`)
    return play(asks, target, wait)
  }
  const sample = readSample()
  const log = await part(
    `${sample.length} requests of a real access log (semicomplete.com, May 2015):`,
    sample,
  )
  const probed = await part(`${probes.length} probes, with visitors among them:`, probes)
  const started = performance.now()
  const flooded = await part(`${flood.length} requests in a row from one client:`, flood, 0)
  const flooding = floodProblem(flooded, limit, (performance.now() - started) / 1000)

  console.log(`\n${tableOf({ 'access log': log, probes: probed, flood: flooded })}\n`)
  const failures = failuresOf([...log, ...probed, ...flooded], [flooding])
  if (failures.length > 0) {
    console.log(`FAILED:\n${failures.map(failure => `  ${failure}`).join('\n')}`)
    process.exitCode = 1
    return end()
  }
  console.log('Every request that should pass passed, every other one was dropped, by the rule that should.')
  if (process.argv.includes('--once')) return end()
  console.log(`\nThe site stays up. Try:\n\n${hints(port, oneAddress)}\n\nCtrl-C ends it.`)
  process.once('SIGINT', end).once('SIGTERM', end)
}

await main()
