import { nginx } from '../support/proxies/nginx.ts'
import { outageTests } from './outage.ts'
import { controlCharacter, createTests, oversized } from './suite.ts'

createTests(nginx, { oversized, 'a control character in a field': controlCharacter })

outageTests(nginx, {
  // As who writes no more than proxy_pass has it.
  edits: [
    ['    keepalive 16;\n', ''],
    ['        proxy_http_version 1.1;\n', ''],
    ['        proxy_set_header Connection "";\n', ''],
  ],
  drops: 1,
  status: 502,
  isStock: true,
})
