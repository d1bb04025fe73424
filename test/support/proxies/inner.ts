import { startNginx } from '../nginx.ts'
import { apache } from './apache.ts'
import { caddy } from './caddy.ts'
import { haproxy } from './haproxy.ts'
import { type Edit, example, type ProxyKind, type ProxyOptions, upstreamEdits } from './proxy.ts'

/** The inner one of two proxies: it passes the app's 444 on. */
export interface Inner {
  readonly name: string
  readonly tool: string
  start(options: ProxyOptions): ReturnType<ProxyKind['start']>
}

export const innerNginx: Inner = {
  name: 'nginx',
  tool: 'nginx',
  start({ upstreams, edits = [] }) {
    return startNginx({
      servers: address =>
        example('nginx-inner.conf', [
          ...edits,
          ...upstreamEdits(upstreams),
          ['listen 8080 default_server;', `listen ${address} default_server;`],
        ]),
    })
  },
}

/** What the pages of the others say to leave out, or to add, for an inner proxy. */
const withoutDrop: Record<'haproxy' | 'caddy' | 'apache', readonly Edit[]> = {
  haproxy: [
    ['    http-response silent-drop if { status 444 }\n', ''],
    ['    http-request set-header X-Forwarded-Proto http\n', ''],
  ],
  apache: [['    SecRule RESPONSE_STATUS "@streq 444" "id:444,phase:3,drop,nolog,setenv:dropped=444"\n', '']],
  caddy: [
    ['\t\t@drop status 444\n', '\t\ttrusted_proxies 127.0.0.1\n'],
    ['\t\thandle_response @drop {\n\t\t\tabort\n\t\t}\n', ''],
  ],
}

export const innerHaproxy: Inner = {
  name: 'HAProxy',
  tool: 'haproxy',
  start: ({ upstreams, edits = [] }) =>
    haproxy.start({ upstreams, edits: [...withoutDrop.haproxy, ...edits] }),
}

export const innerCaddy: Inner = {
  name: 'Caddy',
  tool: 'caddy',
  start: ({ upstreams, edits = [] }) => caddy.start({ upstreams, edits: [...withoutDrop.caddy, ...edits] }),
}

export const innerApache: Inner = {
  name: 'Apache',
  tool: 'apache2',
  start: ({ upstreams, edits = [] }) => apache.start({ upstreams, edits: [...withoutDrop.apache, ...edits] }),
}

/** Two proxies in a row: the outer one has two of the inner kind behind it, and each of these both apps. */
export function inARow(outer: ProxyKind, inner: Inner): ProxyKind {
  return {
    ...outer,
    name: `${outer.name} → ${inner.name}`,
    async start({ upstreams, edits = [] }) {
      const inners = [await inner.start({ upstreams })]
      const close = async () => {
        for (const one of inners) await one.close()
      }
      try {
        inners.push(await inner.start({ upstreams }))
        const [first, second] = inners.map(({ port }) => `127.0.0.1:${port}`) as [string, string]
        const proxy = await outer.start({ upstreams: [first, second], edits })
        return {
          ...proxy,
          async close() {
            await proxy.close()
            await close()
          },
        }
      } catch (error) {
        await close()
        throw error
      }
    },
  }
}
