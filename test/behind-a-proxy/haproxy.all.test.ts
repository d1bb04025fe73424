import { haproxy } from '../support/proxies/haproxy.ts'
import { outageTests } from './outage.ts'
import { http2Tests } from './over-http2.ts'
import { controlCharacter, createTests } from './suite.ts'

const strict = '    default-server observe layer7 error-limit 3 on-error mark-down\n'

// It takes heads of 15 kB itself, less than Node.
createTests(haproxy, { 'a control character in a field': controlCharacter })

outageTests(haproxy, { edits: [['    server a', `${strict}    server a`]], drops: 12, status: 503 })

// Without the health checks: each would be a session of its own, which ends.
http2Tests(haproxy, [[' check\n', ' proto h2\n']])
