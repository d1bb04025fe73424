import { credentials } from '../support/servers.ts'
import { overHttp2 } from './over-http2.ts'
import { blocksOf } from './recipe.ts'
import { suite } from './suite.ts'

process.env.TLS_KEY = String(credentials.key)
process.env.TLS_CERT = String(credentials.cert)
const [mounted = '', through = ''] = blocksOf('http2')

for (const block of [
  { name: 'http2, mounted', code: mounted, tls: true, broken: 'error page' },
  { name: 'http2, through protect', code: through, tls: true, broken: 'nothing' },
] as const) {
  suite(block)
  overHttp2(block)
}
