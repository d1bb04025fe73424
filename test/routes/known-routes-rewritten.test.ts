import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import { knownRoutes, pathAllowlist } from '../../lib/index.ts'
import { exchange, get } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'
import { closed, hooks } from '../support/watch.ts'
import { names, versions } from './express-apps.ts'

const answer = (_req: unknown, res: { end(text: string): void }) => res.end('found')

for (const version of names) {
  describe(`a rule under a path, behind a middleware that rewrites: ${version}`, () => {
    hooks()

    /** Whether each path passes. */
    async function passes(rewrite: (url: string) => string, paths: readonly string[]): Promise<boolean[]> {
      const app = versions[version]()
      app.use(((req: { url: string }, _res: unknown, next: () => void) => {
        req.url = rewrite(req.url)
        next()
      }) as never)
      app.use('/api', pathAllowlist(knownRoutes(app)) as never)
      app.get('/api', answer as never)
      app.get('/api/x', answer as never)
      const { port } = closed(await listen(http.createServer(app as never)))
      const seen = paths.map(path => exchange({ port }, get(path, { Connection: 'close' })))
      return (await Promise.all(seen)).map(({ data }) => data.includes(' 200 '))
    }

    test('what Express goes by counts', async () => {
      assert.deepEqual(
        await passes(url => url.replace(/^\/v1/, ''), ['/v1/api/x', '/v1/api/y', '/v1/api', '/api/x']),
        [true, false, true, true],
      )
      assert.deepEqual(await passes(url => url.replace('/x', '/private'), ['/api/x']), [false])
      assert.deepEqual(
        await passes(url => url, ['/api/x', '/api/x?y=1', '/api', '/api?x', '/api/', '/api/y']),
        [true, true, true, true, true, false],
      )
    })
  })
}
