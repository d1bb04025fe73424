import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, Server, type Socket } from 'node:net'
import { join, relative, sep } from 'node:path'
import { PassThrough } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { root } from '../package/tree.ts'
import { codeBlocks, page } from '../support/docs.ts'

/** Every server of this process that was asked to listen, by whatever framework. */
const servers: Server[] = []
const sockets = new Set<Socket>()
const { listen } = Server.prototype
Server.prototype.listen = function (this: Server, ...where: unknown[]) {
  servers.push(this)
  this.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return listen.apply(this, where as never)
} as never

export interface Running {
  readonly port: number
  /** As many as the block has made listen. */
  readonly servers: readonly Server[]
  /** How often the app of the page has said hello. */
  greetings(): number
  /** Lines of its `dropLog`. */
  lines(): string[]
  close(): Promise<void>
}

/** A change to a block's text; what it replaces has to be there. */
export type Change = readonly [from: string, to: string]

function change(code: string, changes: readonly Change[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the block has no ${from}`)
    return text.replaceAll(from, () => to)
  }, code)
}

/** The blocks of a page of docs/recipes. */
export const blocksOf = (name: string) => codeBlocks(page(`docs/recipes/${name}.md`), 'ts')

let count = 0

/** Writes a block, changed to use this tree, where packages are found. */
export function writeBlock(code: string, changes: readonly Change[] = []): { file: string; remove(): void } {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const directory = mkdtempSync(join(root, '.cache', 'recipe-'))
  const lib = relative(directory, join(root, 'lib', 'index.ts')).replaceAll(sep, '/')
  const file = join(directory, `block-${count++}.ts`)
  const runs = change(code, changes)
    .replaceAll("'drop444'", `'${lib}'`)
    .replaceAll('.listen(3000)', ".listen(0, '127.0.0.1')")
    .replaceAll('port: 3000', 'port: 0')
    .replaceAll('process.stdout', 'globalThis.recipe.log')
    .replaceAll("'hello'", 'globalThis.recipe.hello()')
  writeFileSync(file, runs)
  return { file, remove: () => rmSync(directory, { recursive: true, force: true }) }
}

/**
 * Runs a block of a page in this process, so that its drops and failures are seen here. What a test puts into its text finds
 * `hooks` as `globalThis.recipe`.
 */
export async function runBlock(
  code: string,
  changes: readonly Change[] = [],
  hooks: Record<string, unknown> = {},
): Promise<Running> {
  const log = new PassThrough()
  let said = ''
  log.on('data', chunk => {
    said += chunk
  })
  let greetings = 0
  const hello = () => {
    greetings++
    return 'hello'
  }
  Object.assign(globalThis, { recipe: { ...hooks, log, hello } })
  const before = servers.length
  const { file, remove } = writeBlock(code, changes)
  try {
    await import(pathToFileURL(file).href)
  } finally {
    remove()
  }
  const own = servers.slice(before)
  const [first] = own
  if (!first) throw new Error('the block does not listen')
  for (const server of own) if (!server.listening) await once(server, 'listening')
  return {
    port: (first.address() as AddressInfo).port,
    servers: own,
    greetings: () => greetings,
    lines: () => said.split('\n').slice(0, -1),
    async close() {
      for (const socket of sockets) socket.destroy()
      await Promise.all(own.map(server => new Promise(resolve => server.close(resolve))))
    },
  }
}
