import Table from 'cli-table3'
import type { Ask } from './client.ts'
import type { Outcome } from './play.ts'
import { denied } from './site.ts'

/** The rules in the order in which they judge. */
const rules = ['noHost', 'denyCidr', 'badAgent', 'pathAllowlist', 'rateLimit']

/** Bytes that reached clients that were dropped. */
export function leakedBytes(outcomes: readonly Outcome[]): number {
  return outcomes.reduce((sum, { rule, answer }) => (rule === undefined ? sum : sum + answer.bytes), 0)
}

/** The counts of each part of the play, and of all of it. */
export function tableOf(parts: Readonly<Record<string, readonly Outcome[]>>): string {
  const columns = [...Object.values(parts), Object.values(parts).flat()]
  const table = new Table({
    head: ['', ...Object.keys(parts), 'all'],
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    style: { head: [], border: [] },
  })
  const row = (name: string, count: (outcomes: readonly Outcome[]) => number) =>
    table.push([
      name,
      ...columns.map(outcomes => ({ content: String(count(outcomes)), hAlign: 'right' as const })),
    ])
  row('requests', outcomes => outcomes.length)
  row('passed', outcomes => outcomes.filter(({ rule }) => rule === undefined).length)
  for (const name of rules)
    row(`dropped by ${name}`, outcomes => outcomes.filter(({ rule }) => rule === name).length)
  row('bytes that reached dropped clients', leakedBytes)
  return table.toString()
}

const SHOWN = 15

const shown = ({ headers }: Ask) => headers.map(([name, value]) => `${name}: ${value}`).join('; ')

/** What went wrong, in one line each; empty if nothing did. */
export function failuresOf(outcomes: readonly Outcome[], more: readonly (string | undefined)[]): string[] {
  const leaked = leakedBytes(outcomes)
  const single = outcomes
    .filter(({ problem }) => problem !== undefined)
    .map(({ ask, problem }) => `${ask.line} (${shown(ask)}) from ${ask.from} ${problem}`)
  const hidden = single.length - SHOWN
  return [
    ...(leaked > 0 ? [`${leaked} bytes reached clients that were dropped: there must be none`] : []),
    ...more.filter(failure => failure !== undefined),
    ...single.slice(0, SHOWN),
    ...(hidden > 0 ? [`and ${hidden} more`] : []),
  ]
}

const PASSES = 'the page'
const DROPPED = 'curl: (52) Empty reply from server'

/** Commands that work as they stand against the running port, and what each must show. */
export function hints(port: number, oneAddress: boolean): string {
  const site = `http://localhost:${port}`
  const from = (address: string) =>
    oneAddress ? `-H 'X-Forwarded-For: ${address}'` : `--interface ${address}`
  const commands: [command: string, shows: string][] = [
    [`curl -i ${site}/`, PASSES],
    [`curl -i ${site}/users/ada/`, PASSES],
    [`curl -i ${site}/wp-login.php`, DROPPED],
    [`curl -i ${site}/static/..%2f.env`, DROPPED],
    [`curl -i --path-as-is ${site}/static/../.env`, DROPPED],
    [`curl -i -A sqlmap ${site}/`, DROPPED],
    [`curl -i -H 'User-Agent:' ${site}/`, DROPPED],
    [`curl -i -H 'Host: evil.example' ${site}/`, DROPPED],
    [`curl -i http://127.0.0.1:${port}/`, `${DROPPED} (an address is no name)`],
    [`curl -i -4 ${from((denied[0] as string).replace(/\.0\/.*/, '.66'))} ${site}/`, DROPPED],
    [
      `for i in $(seq 80); do curl -s -o /dev/null -w '%{http_code} ' ${site}/; done; echo`,
      '200 while the burst lasts, then 000',
    ],
  ]
  return commands.map(([command, shows]) => `  ${command}\n      ${shows}`).join('\n')
}
