import { caddy } from '../support/proxies/caddy.ts'
import { outageTests } from './outage.ts'
import { http2Tests } from './over-http2.ts'
import { createTests, oversized } from './suite.ts'

const begin = '\t\t@drop status 444\n'

createTests(caddy, { oversized })

outageTests(caddy, { edits: [[begin, `\t\tfail_duration 10s\n${begin}`]], drops: 12, status: 503 })

http2Tests(caddy, [[begin, `\t\ttransport http {\n\t\t\tversions h2c 2\n\t\t}\n${begin}`]])
