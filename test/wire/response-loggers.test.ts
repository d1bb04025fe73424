import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import morgan from 'morgan'
import { pino } from 'pino'
import { pinoHttp } from 'pino-http'
import { rule } from '../../lib/index.ts'
import { settle, uncaught } from '../support/events.ts'
import { headers, openHttp2 } from '../support/http2-frames.ts'
import { exchange, get } from '../support/raw-client.ts'
import { kindName, kinds, type Middleware, start } from '../support/servers.ts'

function sink(): { lines: string[]; stream: Writable } {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  return { lines, stream }
}

describe('loggers of responses, mounted before, print 444 with no adapter', () => {
  for (const kind of kinds) {
    for (const http2 of kind.protocol === 2
      ? (['goaway', 'destroy', 'stream'] as const)
      : (['goaway'] as const)) {
      test(`${kindName(kind)}${kind.protocol === 2 ? `, ${http2}` : ''}`, async () => {
        const forMorgan = sink()
        const forPino = sink()
        const loggers = [
          morgan(':status :url', { stream: { write: line => forMorgan.lines.push(line) } }),
          pinoHttp({ logger: pino(forPino.stream) }),
        ] as unknown as Middleware[]
        const server = await start(kind, [...loggers, rule('all', () => 'x', { http2 })], () => {})
        if (kind.protocol === 2) {
          const client = await openHttp2({ port: server.port, tls: kind.tls })
          client.send(headers(1, '/bad'))
          await settle(60)
          client.destroy()
        } else {
          const wire = await exchange({ port: server.port, tls: kind.tls, alpn: ['http/1.1'] }, get('/bad'))
          assert.equal(wire.wireBytes, 0)
        }
        await settle(40)
        await server.close()
        assert.deepEqual(forMorgan.lines, ['444 /bad\n'])
        const logged = forPino.lines.map(line => JSON.parse(line)).filter(({ res }) => res)
        assert.deepEqual(
          logged.map(({ res, req }) => [res.statusCode, req.url]),
          [[444, '/bad']],
        )
        assert.deepEqual(uncaught.splice(0), [])
      })
    }
  }

  test('a pending drop in a pipeline too', async () => {
    const lines: string[] = []
    const logger = morgan(':status :url', {
      stream: { write: line => lines.push(line) },
    }) as unknown as Middleware
    const noBad = rule('no-bad', req => req.url === '/bad' && 'bad')
    const server = await start({ server: 'http', app: 'express5' }, [logger, noBad], (_req, res) => {
      setTimeout(() => res.end('done'), 30)
    })
    const wire = await exchange({ port: server.port }, get('/slow') + get('/bad'))
    assert.match(wire.data.toString(), /done$/)
    await settle(20)
    await server.close()
    assert.deepEqual(lines, ['200 /slow\n', '444 /bad\n'])
  })
})
