import { rulesAgainst } from './spoofing-cell.ts'
import { places, startAt } from './spoofing-columns.ts'
import { Line, requestOf } from './spoofing-requests.ts'
import { settings, ways } from './spoofing-settings.ts'
import { attempts } from './spoofing-table.ts'

// Warnings are given once a process. Argument: the index of a place. Prints the settings after which DROP444_TRUST_ALL was given.
const place = places[Number(process.argv[2])] as (typeof places)[number]
const warnedAt: string[] = []
let current = ''
process.on('warning', warning => {
  if ((warning as Error & { code?: string }).code === 'DROP444_TRUST_ALL') warnedAt.push(current)
})
for (const { name, trust } of [...settings, ...settings]) {
  current = name
  const server = await startAt(
    place,
    trust,
    options => Object.values(rulesAgainst).map(make => make('203.0.113.66', options)),
    (_req, res) => res.end('fine'),
  )
  for (const way of ways) {
    const line = new Line(server.port, way.from)
    for (const attempt of attempts.slice(0, 3)) await line.ask(requestOf(attempt, way))
    line.close()
  }
  await server.close()
}
process.stdout.write(JSON.stringify(warnedAt))
