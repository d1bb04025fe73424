import { apache } from '../support/proxies/apache.ts'
import { outageTests } from './outage.ts'
import { createTests, oversized } from './suite.ts'

createTests(apache, { oversized })

outageTests(apache, {
  // By default a balancer forgives all its members as soon as none is left.
  edits: [['</Proxy>', '    ProxySet failonstatus=502 forcerecovery=Off\n</Proxy>']],
  drops: 4,
  status: 503,
})
