import type { Ask } from './client.ts'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'

type Headers = Ask['headers']

const host = (name: string): Headers => [['Host', name]]
const agent = (name: string): Headers => [['User-Agent', name]]
const browser: Headers = [...host('localhost'), ...agent(BROWSER)]

function asks(
  from: string,
  expect: string,
  requests: readonly (readonly [line: string, headers: Headers])[],
): Ask[] {
  return requests.map(([line, headers]) => ({ from, expect, line, headers }))
}

/** A GET of each path, by a browser. */
function gets(paths: string): [line: string, headers: Headers][] {
  return paths
    .trim()
    .split(/\s+/)
    .map(path => [`GET ${path} HTTP/1.1`, browser])
}

/** Visitors of today: each must get its page. */
const visitors = asks('127.10.0.1', 'pass', [
  ...gets('/ /users/ /users/ada/?tab=orders /orders/2015/05/ /static/site.css'),
  ...gets('/favicon.ico /robots.txt /apple-touch-icon.png /.well-known/security.txt'),
  ['GET /users/ HTTP/1.1', [...host('DEMO.localhost.:80'), ...agent(BROWSER)]],
  ['HEAD / HTTP/1.0', browser],
  ['GET http://localhost/orders/ HTTP/1.1', browser],
  ['GET / HTTP/1.1', [...host('localhost'), ...agent('curl/8.5.0')]],
])

/** Those who go by address, and don't know what the site is called. */
const nameless = asks('127.10.0.2', 'noHost', [
  ['GET / HTTP/1.1', agent(BROWSER)],
  ['GET / HTTP/1.0', agent(BROWSER)],
  ['GET / HTTP/1.1', [...host(''), ...agent(BROWSER)]],
  ['GET / HTTP/1.1', [...host('127.0.0.1'), ...agent(BROWSER)]],
  ['GET / HTTP/1.1', [...host('127.1:80'), ...agent(BROWSER)]],
  ['GET / HTTP/1.1', [...host('[::1]'), ...agent(BROWSER)]],
  ['GET / HTTP/1.1', [...host('evil.example'), ...agent(BROWSER)]],
  ['GET / HTTP/1.1', [...host('localhost.evil.example'), ...agent(BROWSER)]],
  ['GET / HTTP/1.1', [...host('local host'), ...agent(BROWSER)]],
  ['GET / HTTP/1.1', [...browser, ...host('evil.example')]],
  ['GET http://evil.example/ HTTP/1.1', browser],
])

const scanners = asks('127.10.0.3', 'badAgent', [
  ...[
    'sqlmap/1.8#stable (https://sqlmap.org)',
    'Mozilla/5.00 (Nikto/2.5.0)',
    'masscan/1.3',
    'Mozilla/5.0 zgrab/0.x',
    'WPScan v3.8.27 (https://wpscan.com/wordpress-security-scanner)',
    'gobuster/3.6',
    'Nuclei - Open-source project (github.com/projectdiscovery/nuclei)',
    'Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)',
    '',
    '   ',
  ].map(name => ['GET / HTTP/1.1', [...host('localhost'), ...agent(name)]] as const),
  ['GET / HTTP/1.1', host('localhost')],
])

/** What is looked for on every address of the Internet, day and night. */
const lookedFor = asks(
  '127.10.0.4',
  'pathAllowlist',
  gets(`
    /wp-login.php /blog/wp-admin/setup-config.php /xmlrpc.php /phpmyadmin/index.php /.env /.git/config
    /.aws/credentials /static/.git/HEAD /users/.env /users.bak /.well-known/ /actuator/env /server-status /HNAP1
    /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php /cgi-bin/luci/;stok=/locale /boaform/admin/formLogin
    /solr/admin/info/system?wt=json /owa/auth/logon.aspx`),
)

/** Up and out of `/static/`, and other paths that one program reads in one way and the next in another. */
const traversals = asks('127.10.0.5', 'pathAllowlist', [
  ...gets(String.raw`
    /static/../../etc/passwd /static/%2e%2e/%2e%2e/etc/passwd /static/..%2f..%2fetc/passwd
    /static/%252e%252e%252fetc/passwd /static/..%5c..%5cwindows%5cwin.ini /static/..\..\windows\win.ini
    /static/..;/manager/html /static/%c0%ae%c0%ae/etc/passwd /static/x%00.css /static//etc/passwd
    /users%2f..%2fadmin //evil.example/ /./admin /users/%0d%0aSet-Cookie:x`),
  ['OPTIONS * HTTP/1.1', browser],
  ['GET http://localhost/.env HTTP/1.1', browser],
])

const deniedClients = asks('127.51.100.66', 'denyCidr', gets('/ /users/ /favicon.ico'))

/** Single probes and visitors, each with the fate that it must have. */
export const probes: readonly Ask[] = [
  ...visitors,
  ...nameless,
  ...deniedClients,
  ...scanners,
  ...lookedFor,
  ...traversals,
]

/** One client that asks too much. */
export const flood: readonly Ask[] = Array.from({ length: 80 }, (_, i) => ({
  from: '127.10.0.6',
  expect: 'flood',
  line: `GET /orders/2015/?page=${i + 1} HTTP/1.1`,
  headers: browser,
}))
