import { serveWithout } from './undocumented.ts'

/** The others, and the other ways, are in undocumented.all.test.ts. */
serveWithout('_parent', 'gone')
serveWithout('_handle', 'gone')
serveWithout('ALPNProtocols', 'another')
serveWithout('parser', 'throws')
