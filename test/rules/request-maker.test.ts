import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { browserPaths } from '../../lib/index.ts'
import { type Maker, makerOf } from '../../lib/rules/repeat-offender/request-maker.ts'

type Headers = Record<string, string>

function request(headers: Headers, method = 'GET', url = '/x'): IncomingMessage {
  const req = new IncomingMessage(new Socket())
  return Object.assign(req, { method, url, headers: { host: 'site.example:8080', ...headers } })
}

const page = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'
const image = 'image/avif,image/webp,image/*,*/*;q=0.8'
const fetchOf = (site: string, mode: string, dest?: string): Headers => ({
  'sec-fetch-site': site,
  'sec-fetch-mode': mode,
  ...(dest && { 'sec-fetch-dest': dest }),
})
const own = 'http://site.example:8080/page'
const foreign = 'http://foreign.example/'

/** As Chromium 156 sends them, over TLS and over plain HTTP; then what no browser sends. */
const cases: readonly (readonly [name: string, maker: Maker, headers: Headers, method?: string])[] = [
  ['typed', 'visit', fetchOf('none', 'navigate', 'document')],
  ['a link of ours', 'visit', fetchOf('same-origin', 'navigate', 'document')],
  ['an image of ours', 'page', fetchOf('same-origin', 'no-cors', 'image')],
  ['a fetch of ours', 'page', fetchOf('same-origin', 'cors', 'empty')],
  ['a frame of ours', 'page', fetchOf('same-origin', 'navigate', 'iframe')],
  ['a report of ours', 'page', fetchOf('same-origin', 'no-cors', 'report'), 'POST'],
  ['a form of ours', 'client', fetchOf('same-origin', 'navigate', 'document'), 'POST'],
  ['an image, another subdomain', 'page', fetchOf('same-site', 'no-cors', 'image')],
  ['a link, another site', 'foreign-page', fetchOf('cross-site', 'navigate', 'document')],
  ['an image, another site', 'foreign-page', fetchOf('cross-site', 'no-cors', 'image')],
  ['a frame, another site', 'foreign-page', fetchOf('cross-site', 'navigate', 'iframe')],
  ['a form, another site', 'foreign-page', fetchOf('cross-site', 'navigate', 'document'), 'POST'],
  ['a preflight, another site', 'foreign-page', fetchOf('cross-site', 'cors', 'empty'), 'OPTIONS'],
  ['only said to be of another site', 'foreign-page', { 'sec-fetch-site': 'cross-site' }],

  ['plain: typed', 'visit', { 'upgrade-insecure-requests': '1', accept: page }],
  ['plain: a link of ours', 'visit', { 'upgrade-insecure-requests': '1', accept: page, referer: own }],
  ['plain: a script of ours', 'visit', { accept: '*/*', referer: own }],
  ['plain: an image of ours', 'page', { accept: image, referer: own }],
  ['plain: an image, no referrer', 'page', { accept: image }],
  ['plain: a style sheet, no referrer', 'page', { accept: 'text/css,*/*;q=0.1' }],
  ['plain: events, no referrer', 'page', { accept: 'text/event-stream' }],
  ['plain: prefetched, no referrer', 'page', { accept: page, 'sec-purpose': 'prefetch' }],
  ['plain: a WebSocket of ours', 'page', { origin: 'http://site.example:8080', upgrade: 'websocket' }],
  ['plain: a form of ours', 'client', { origin: 'http://site.example:8080', referer: own }, 'POST'],
  ['plain: a form of ours, no referrer', 'client', { origin: 'null' }, 'POST'],
  ['plain: a ping', 'page', { origin: 'http://site.example:8080', 'content-type': 'text/ping' }, 'POST'],
  ['plain: a report', 'page', { referer: own, 'content-type': 'application/csp-report' }, 'POST'],
  ['plain: an image, another site', 'foreign-page', { accept: image, referer: foreign }],
  ['plain: a script, another site', 'foreign-page', { accept: '*/*', referer: foreign }],
  ['plain: another port', 'foreign-page', { referer: 'http://site.example/page' }],
  ['plain: a form, another site', 'foreign-page', { origin: 'http://foreign.example' }, 'POST'],
  ['plain: a WebSocket, another site', 'foreign-page', { origin: foreign, upgrade: 'websocket' }],
  ['an app of Android', 'foreign-page', { referer: 'android-app://com.example.mail/' }],
  ['a host in capitals', 'visit', { referer: 'HTTP://SITE.example:8080/page' }],

  ['curl', 'client', { accept: '*/*', 'user-agent': 'curl/8' }],
  ['a script with a browser agent', 'client', { accept: page, 'user-agent': 'Mozilla/5.0' }],
  ['a POST of a script', 'client', {}, 'POST'],
  ['a POST that says it is typed', 'client', fetchOf('none', 'cors', 'empty'), 'POST'],
  ['a referrer that is no address', 'client', { referer: 'www.google.com' }],
  ['an empty referrer', 'client', { referer: '' }],
  ['fetch metadata without a mode', 'client', { 'sec-fetch-site': 'same-origin' }],
  ['nonsense for fetch metadata', 'client', fetchOf('other', 'cors', 'image')],
  ['fetch metadata twice', 'client', fetchOf('cross-site, same-origin', 'no-cors', 'image')],
]

const byThemselves = [
  '/favicon.ico',
  '/favicon.ico?v=2',
  '/favicon.svg',
  '/favicon-32x32.png',
  '/apple-touch-icon.png',
  '/apple-touch-icon-precomposed.png',
  '/apple-touch-icon-120x120-precomposed.png',
  '/browserconfig.xml',
  '/apple-app-site-association',
  '/.well-known/apple-app-site-association',
  '/.well-known/appspecific/com.chrome.devtools.json',
  '/.well-known/assetlinks.json',
  '/.well-known/change-password',
  '/.well-known/passkey-endpoints',
  '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200',
  '/.well-known/traffic-advice',
  '/.well-known/webauthn',
  '/assets/app.js.map',
  '/app.css.map?x=1',
]

const notByThemselves = [
  '/',
  '/favicon.ico/x',
  '/x/favicon.ico',
  '/favicon.php',
  '/favicon.ico.php',
  '/.well-known/openid-configuration',
  '/.well-known/',
  '/apple-touch-icon.php',
  '/.map',
  '/app.js',
  '/?x=.js.map',
]

describe('whose doing a request is', () => {
  for (const [name, maker, headers, method] of cases) {
    test(`${name}: ${maker}`, () => assert.equal(makerOf(request(headers, method)), maker))
  }

  test('paths that browsers ask for by themselves, read only', () => {
    for (const path of byThemselves) {
      assert.equal(makerOf(request({}, 'GET', path)), 'page', path)
      assert.equal(makerOf(request({}, 'HEAD', path)), 'page', path)
      assert.equal(makerOf(request({}, 'POST', path)), 'client', path)
    }
    for (const path of notByThemselves) assert.equal(makerOf(request({}, 'GET', path)), 'client', path)
  })

  test('what the list has for crawlers is asked for again and again by honest programs', () => {
    const paths = browserPaths.map(path => path.replaceAll('*', 'x'))
    const makers = new Set(paths.map(path => makerOf(request({}, 'GET', path))))
    assert.deepEqual([...makers].sort(), ['page', 'visit'])
    assert.equal(makerOf(request({}, 'GET', '/robots.txt')), 'visit')
  })
})
