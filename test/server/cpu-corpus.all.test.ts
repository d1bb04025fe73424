import { test } from 'node:test'
import { type Input, load, themes } from './corpus/load.ts'
import { assertInputs, cpuServers, skip } from './cpu.ts'

cpuServers()

/** After a frame error Node 20 keeps the session, and uses nothing for it: protect finds it, and ends it. */
const leavesDeadSessions = Number.parseInt(process.versions.node, 10) < 22

for (const kind of ['http', 'https', 'h2c'] as const) {
  // Behind a handshake it is all the same as without one.
  const isMeasured = ({ to, raw }: Input) =>
    to.includes(kind) && (kind === 'http' || (kind === 'h2c' ? !leavesDeadSessions : raw))
  for (const theme of themes.filter(name => name !== 'legitimate')) {
    const inputs = load(theme).filter(isMeasured)
    if (inputs.length > 0)
      test(`${inputs.length} of ${theme} on ${kind}, repeated to 64 kB`, { skip }, () =>
        assertInputs(inputs, kind),
      )
  }
}
