import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import { drop, noHost, onDrop, protect, type Request } from '../../lib/index.ts'
import { compileTrust, type TrustProxy } from '../../lib/request/trust.ts'
import { healthChecker } from '../../lib/server/health-check-hint.ts'
import { exchange, get } from '../support/raw-client.ts'
import { listen } from '../support/servers.ts'

const proxy = '10.0.0.5'
const probe = 'kube-probe/1.31'
const forwarded = { 'x-forwarded-for': '203.0.113.9' }
const itself = 'a trusted proxy itself'

interface Case {
  trust?: TrustProxy
  peer?: string
  method?: string
  headers?: Record<string, string>
}

const cases: Record<string, [Case, string | undefined]> = {
  'a trusted proxy': [{ trust: proxy }, itself],
  'one of so many': [{ trust: 1 }, itself],
  HEAD: [{ trust: proxy, method: 'HEAD' }, itself],
  "HAProxy's OPTIONS": [{ trust: proxy, method: 'OPTIONS' }, itself],
  Kubernetes: [{ headers: { 'user-agent': probe } }, probe],
  "AWS's": [{ headers: { 'user-agent': 'ELB-HealthChecker/2.0' } }, 'ELB-HealthChecker/2.0'],
  "Google's": [{ headers: { 'user-agent': 'GoogleHC/1.0' } }, 'GoogleHC/1.0'],
  Consul: [{ headers: { 'user-agent': 'Consul Health Check' } }, 'Consul Health Check'],
  'what a trusted proxy passes on': [{ trust: proxy, headers: forwarded }, undefined],
  'such an agent, passed on': [{ headers: { ...forwarded, 'user-agent': probe } }, undefined],
  POST: [{ trust: proxy, method: 'POST' }, undefined],
  'a peer that is not trusted': [{ trust: '10.0.0.6' }, undefined],
  'nobody is trusted': [{ trust: false }, undefined],
  'such an agent, from outside': [{ peer: '203.0.113.9', headers: { 'user-agent': probe } }, undefined],
  'an agent that only begins so': [{ headers: { 'user-agent': 'kube-probes' } }, undefined],
  'a trust function that throws': [{ trust: () => assert.fail('broken') }, undefined],
  'an agent that has it somewhere': [{ headers: { 'user-agent': 'not kube-probe/1' } }, undefined],
}

describe('a health check that a rule refuses', () => {
  for (const [name, [{ trust = false, peer = proxy, method = 'GET', headers = {} }, who]] of Object.entries(
    cases,
  ))
    test(`${who ? 'is one' : 'is none'}: ${name}`, () => {
      const req = { method, headers, httpVersionMajor: 1, socket: { remoteAddress: peer } }
      assert.equal(healthChecker(req as unknown as Request, compileTrust(trust)), who)
    })

  test('is said once a process, whether dropped, answered or only logged', async () => {
    const warnings: string[] = []
    process.removeAllListeners('warning')
    process.on('warning', warning => warnings.push(warning.message))
    onDrop(() => {})
    const trustProxy = 'loopback'
    const serverNames = ['example.com']
    const handlers: http.RequestListener[] = [{}, { status: 403 }, { dryRun: true }]
      .map(options => noHost({ serverNames, trustProxy, ...options }))
      .map(judge => (req, res) => judge(req, res, () => res.end()))
    for (const handler of [...handlers, (req: Request) => drop(req, { trustProxy })]) {
      const { port, close } = await listen(protect(http.createServer(handler)))
      await exchange({ port }, get('/healthz', { Connection: 'close' }), 20_000)
      await close()
    }
    assert.deepEqual(warnings, [
      "noHost (unknown-host) refused GET /healthz of a trusted proxy itself. If that is a health check: protect(server, { healthCheck: '/its-path' }) (see docs/errors.md)",
    ])
  })
})
