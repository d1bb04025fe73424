import { startNginx } from '../nginx.ts'
import { example, type ProxyKind, readCombined, upstreamEdits } from './proxy.ts'

export const nginx: ProxyKind = {
  name: 'nginx',
  tool: 'nginx',
  end: 'fin',
  droppedStatus: 444,
  read: readCombined,
  start({ upstreams, edits = [] }) {
    return startNginx({
      servers: address =>
        example('nginx.conf', [
          ...edits,
          ...upstreamEdits(upstreams),
          ['listen 80 default_server;', `listen ${address} default_server;`],
        ]),
    })
  },
}
