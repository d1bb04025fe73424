import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Place, startProgram } from '../program.ts'
import { example, type ProxyKind, readCombined, upstreamEdits } from './proxy.ts'

const places = ['/usr/lib/apache2/modules', '/usr/lib64/httpd/modules', '/usr/lib/httpd/modules']
const modules = [
  ...['mpm_event', 'authz_core', 'headers', 'unique_id', 'slotmem_shm'],
  ...['proxy', 'proxy_http', 'proxy_balancer', 'lbmethod_byrequests', 'proxy_hcheck', 'security2'],
]

/** What lies around a site: two children, as one of their own has a pool of connections to the app. */
function main({ directory, port }: Place): string {
  const place = places.find(each => existsSync(join(each, 'mod_security2.so')))
  if (!place) throw new Error("Apache's mod_security2 is not installed")
  const isRoot = process.getuid?.() === 0
  return `
    ServerRoot ${directory}
    DefaultRuntimeDir ${directory}
    PidFile httpd.pid
    Listen 127.0.0.1:${port}
    ServerName localhost
    ${isRoot ? 'User nobody' : ''}
    ErrorLog error.log
    ${modules.map(name => `LoadModule ${name}_module ${place}/mod_${name}.so`).join('\n')}
    StartServers 2
    ServerLimit 2
    MaxRequestWorkers 50
    SecAuditEngine Off
    SecDataDir ${directory}
    SecTmpDir ${directory}
    Include site.conf`
}

export const apache: ProxyKind = {
  name: 'Apache with ModSecurity',
  tool: 'apache2',
  end: 'fin',
  droppedStatus: 444,
  read: readCombined,
  async start({ upstreams, edits = [] }) {
    const program = await startProgram({
      tool: 'apache2',
      args: ({ directory }) => ['-D', 'FOREGROUND', '-d', directory, '-f', 'httpd.conf'],
      files: place => ({
        'httpd.conf': main(place),
        'site.conf': example('apache.conf', [
          ...edits,
          ...upstreamEdits(upstreams),
          ['<VirtualHost *:80>', `<VirtualHost *:${place.port}>`],
          ['/var/log/apache2/', ''],
        ]),
      }),
      pidFile: 'httpd.pid',
    })
    return {
      port: program.port,
      close: program.close,
      accessLog: atLeast => program.lines('access.log', atLeast),
    }
  },
}
