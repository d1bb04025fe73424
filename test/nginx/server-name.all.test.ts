import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { noHost, onDrop } from '../../lib/index.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { exchange } from '../support/raw-client.ts'
import { type RunningServer, start } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'
import { type HostException, looserHosts, stricterHosts } from './exceptions.ts'
import { type HostCase, hostCases, nginxNames, servedNames } from './host-cases.ts'

interface Answers {
  readonly request: HostCase
  readonly nginx: string
  readonly ours: string
}

const isServed = (answer: string) => answer.startsWith('HTTP/1.1 200 ')

function compare(title: string, serverNames: readonly (string | RegExp)[] | undefined, theirNames: string) {
  const exceptionsOf = (all: readonly HostException[]) =>
    all.filter(({ anyName }) => !anyName || serverNames === undefined)
  const stricter = exceptionsOf(stricterHosts)
  const looser = exceptionsOf(looserHosts)

  describe(title, { skip: requireTool('nginx') }, () => {
    const all: Answers[] = []
    let nginx: Nginx
    let ours: RunningServer
    // Drops that nobody subscribes to make the process warn.
    const unsubscribe = onDrop(() => {})

    before(async () => {
      nginx = await startNginx({
        servers: address => `
          server { listen ${address} default_server; return 444; }
          server { listen ${address}; server_name ${theirNames}; return 200 served; }`,
      })
      const rule = noHost({ serverNames })
      ours = await start({ server: 'http', app: 'express5' }, [rule], (_req, res) => res.end('served'))
      for (const request of hostCases) {
        const wires = [nginx, ours].map(({ port }) => exchange({ port }, request.bytes))
        const [theirs = '', own = ''] = (await Promise.all(wires)).map(({ data }) => data.toString('latin1'))
        all.push({ request, nginx: theirs, ours: own })
      }
    })

    after(async () => {
      unsubscribe()
      await nginx?.close()
      await ours?.close()
    })

    test('both serve and refuse enough for it to mean something', () => {
      const served = all.filter(answers => isServed(answers.nginx) && isServed(answers.ours)).length
      const refused = all.filter(answers => !isServed(answers.nginx) && !isServed(answers.ours)).length
      assert.ok(served > 150 && refused > 200, `${served} served, ${refused} refused`)
    })

    test('the same decision, but for the exceptions', () => {
      const unexplained = all.filter(({ request, ...answers }) => {
        const [theirs, own] = [isServed(answers.nginx), isServed(answers.ours)]
        if (!theirs) return own && !looser.some(exception => exception.is(request))
        return own === stricter.some(exception => exception.is(request))
      })
      assert.deepEqual(
        unexplained.map(
          ({ request, nginx, ours }) => `${request.name}: ${nginx.slice(0, 12)}, ${ours.slice(0, 12)}`,
        ),
        [],
      )
    })

    for (const [exceptions, nginxServes] of [
      [stricter, true],
      [looser, false],
    ] as const) {
      for (const exception of exceptions) {
        test(`exception in use: ${exception.name}`, () => {
          const seen = all.some(
            ({ request, ...answers }) =>
              exception.is(request) &&
              isServed(answers.nginx) === nginxServes &&
              isServed(answers.ours) !== nginxServes,
          )
          assert.ok(seen)
        })
      }
    }

    test('who is not served gets no byte, if Node could parse the request', () => {
      for (const { request, ours: answer } of all) {
        if (request.malformed) assert.match(answer, /^HTTP\/1\.1 400 /, request.name)
        else if (!isServed(answer)) assert.equal(answer, '', request.name)
      }
    })
  })
}

compare('nginx: server_name and noHost({ serverNames }) serve the same', servedNames, nginxNames)
compare('nginx: server_name ~. and noHost() serve the same', undefined, '"~."')
