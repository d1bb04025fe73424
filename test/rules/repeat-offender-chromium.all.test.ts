import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { pathAllowlist, protect, type Rule, rateLimit, repeatOffender } from '../../lib/index.ts'
import { type Browser, startChromium } from '../support/chromium.ts'
import { collectDrops, settle } from '../support/events.ts'
import { type Handler, type ServerKind, start } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'

const minute = 60_000
const pages = ['/', '/one', '/two', '/three']
const dead = Array.from({ length: 6 }, (_, i) => `/gone-${i}`)
const lists = (paths: readonly string[], item: (path: string) => string) => paths.map(item).join('\n')

/** A site without icons: its pages link to each other, to six that are gone, and have connections made in advance. */
const own: Handler = (req, res) => {
  const path = (req.url ?? '').split('?')[0] as string
  res.setHeader('Content-Type', path.endsWith('.svg') ? 'image/svg+xml' : 'text/html')
  // As helmet does: over plain HTTP nothing tells then where a visitor comes from.
  res.setHeader('Referrer-Policy', 'no-referrer')
  if (path.endsWith('.svg')) return void res.end('<svg xmlns="http://www.w3.org/2000/svg"/>')
  if (!pages.includes(path)) res.statusCode = path === '/login' ? 401 : 404
  res.end(`<!doctype html><title>${path}</title>
    <link rel=preconnect href="//img.site.example:${req.socket.localPort}">
    <link rel=preconnect href="//img.site.example:${req.socket.localPort}" crossorigin>
    ${lists([...pages, ...dead], each => `<a href="${each}">${each}</a>`)}
    ${lists(['/a.svg', '/b.svg', '/gone.svg'], each => `<img src="${each}">`)}
    <form method=post action=/login><button>log in</button></form>`)
}

/** Somebody else's, with as many images, frames and scripts of ours as make a ban. */
const foreign = (origin: string): Handler => {
  const each = (count: number, item: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => item(i)).join('')
  return (_req, res) => {
    res.setHeader('Content-Type', 'text/html')
    res.end(`<!doctype html>${each(51, i => `<img src="${origin}/i${i}.png">`)}
      ${each(12, i => `<iframe src="${origin}/f${i}"></iframe><script src="${origin}/s${i}.js"></script>`)}`)
  }
}

/** Of the test that runs. */
const open: { close(): unknown }[] = []
let browser: Browser

async function visitor(): Promise<Page> {
  const page = await browser.visitor()
  open.push(page)
  return page
}

interface Site {
  readonly origin: string
  readonly offenders: ReturnType<typeof repeatOffender>
  /** Bans at the second offence, and is mounted nowhere: tells what a drop counts. */
  readonly strict: ReturnType<typeof repeatOffender>
  readonly clock: { time: number }
  readonly drops: ReturnType<typeof collectDrops>
}

async function openSite(kind: ServerKind, others: readonly Rule[], handler = own): Promise<Site> {
  const clock = { time: Date.now() }
  const now = () => clock.time
  const offenders = repeatOffender({ now })
  const strict = repeatOffender({ now, name: 'strict', limit: 1 })
  const running = await start({ server: kind, app: 'bare' }, [offenders, ...others], handler)
  protect(running.server, { rules: [offenders], headerTimeout: 500 })
  const drops = collectDrops()
  open.push(running, offenders, strict, { close: drops.stop })
  const scheme = kind === 'http' ? 'http' : 'https'
  const origin = `${scheme}://site.example:${running.port}`
  return { origin, offenders, strict, clock, drops }
}

/** Goes to the start page; what Chromium shows in place of an empty answer may come in between. */
async function goHome(page: Page, { origin }: Site): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await page.goto(`${origin}/`)
      return
    } catch (error) {
      if (tries === 20 || !/interrupted/.test(String(error))) throw error
      await settle(50)
    }
  }
}

/** Follows a link of the page that is shown, if it has it, else of the start page. */
async function click(page: Page, site: Site, path: string): Promise<void> {
  const link = page.locator(`a[href="${path}"]`)
  if ((await link.count()) === 0) await goHome(page, site)
  const isThere = (url: URL) => url.pathname === path || url.protocol === 'chrome-error:'
  const isSettled = page.waitForURL(isThere, { waitUntil: 'commit' }).catch(() => {})
  await link.click({ noWaitAfter: true })
  await isSettled
  await page.waitForLoadState('load').catch(() => {})
}

const isBanned = ({ offenders }: Site) =>
  offenders.list().map(({ address, reason }) => `${address} ${reason}`)

describe('repeatOffender and a real Chromium', { skip: requireTool('chromium'), timeout: 600_000 }, () => {
  before(async () => {
    browser = await startChromium()
  })
  after(() => browser.close())
  afterEach(async () => {
    // What a page still asks for is no matter of the next test.
    for (const each of open.splice(0).reverse()) await each.close()
  })

  const listed = () => pathAllowlist([...pages, '/a.svg', '/b.svg', '/login'])
  for (const kind of ['http', 'https', 'http2'] as const) {
    for (const [how, rulesOf] of [
      ['answered 404', () => []],
      ['dropped', () => [listed()]],
    ] as const) {
      test(`an hour of one, dead links ${how}: ${kind}`, async () => {
        const site = await openSite(kind, rulesOf())
        const page = await visitor()
        for (let i = 0; i < 20; i++) {
          await click(
            page,
            site,
            i % 2 ? (pages[(i >> 1) % pages.length] as string) : (dead[(i >> 1) % dead.length] as string),
          )
          site.clock.time += 3 * minute
          assert.deepEqual(isBanned(site), [])
        }
        // The last connections that were kept in store end.
        await settle(800)
        assert.deepEqual(isBanned(site), [])
        const known = new Set(site.drops.events.map(({ reason }) => reason))
        if (how === 'dropped') assert.ok(known.has('unlisted-path'))
      })
    }

    test(`one click on a link that is dropped is one offence: ${kind}`, async () => {
      const site = await openSite(kind, [listed()])
      const page = await visitor()
      await goHome(page, site)
      await click(page, site, '/gone-0')
      await settle(200)
      assert.ok(site.drops.events.some(({ url }) => url === '/gone-0'))
      assert.equal(site.strict.isBanned('127.0.0.1'), false)
      await click(page, site, '/gone-1')
      for (let i = 0; i < 100 && !site.strict.isBanned('127.0.0.1'); i++) await settle(20)
      assert.equal(site.strict.isBanned('127.0.0.1'), true)
    })

    test(`a foreign page full of ours: ${kind}`, async () => {
      const site = await openSite(kind, [listed()])
      const other = await openSite(kind, [], foreign(site.origin))
      other.offenders.close()
      const page = await visitor()
      await page
        .goto(other.origin.replace('site.example', 'foreign.example'), { waitUntil: 'load' })
        .catch(() => {})
      for (let i = 0; i < 200 && site.drops.events.length < 51; i++) await settle(20)
      // A connection of HTTP/2 may be over by then.
      assert.ok(site.drops.events.length >= (kind === 'http2' ? 5 : 51), `${site.drops.events.length}`)
      assert.deepEqual([isBanned(site), site.strict.list()], [[], []])
    })

    test(`six reloads under our own limit: ${kind}`, async () => {
      const images: Handler = (req, res) => {
        res.setHeader('Cache-Control', 'no-store')
        if (req.url !== '/') return void res.end()
        res.setHeader('Content-Type', 'text/html')
        res.end(Array.from({ length: 30 }, (_, i) => `<img src="/${i}.png">`).join(''))
      }
      const skip = (req: { url?: string | undefined }) => req.url === '/'
      const limit = rateLimit({ rate: '1r/s', burst: 10, status: 429, skip })
      const site = await openSite(kind, [limit], images)
      const page = await visitor()
      await page.goto(site.origin)
      for (let i = 0; i < 6; i++) await page.reload()
      assert.ok(site.drops.events.filter(({ reason }) => reason === 'rate-limited').length > 100)
      assert.deepEqual([isBanned(site), site.strict.list()], [[], []])
    })
  }

  for (const [count, kind, how, rulesOf] of [
    [12, 'http', 'dropped', () => [listed()]],
    [10, 'http2', 'answered 404', () => []],
  ] as const) {
    test(`${count} behind one address, each with six dead links, in ten minutes of the hour: ${kind}, ${how}`, async () => {
      const site = await openSite(kind, rulesOf())
      const visit = async () => {
        const page = await visitor()
        for (const path of [...dead, '/one']) await click(page, site, path)
        await page.context().close()
        assert.deepEqual(isBanned(site), [])
      }
      // More at once only wait for each other.
      for (let i = 0; i < count; i += 2) {
        await Promise.all([visit(), visit()])
        site.clock.time += (2 * minute) / 5
      }
      await settle(800)
      assert.deepEqual(isBanned(site), [])
    })
  }

  test('a driven one that tries a dictionary is banned within its first 60 pages; so is one that tries passwords', async () => {
    const site = await openSite('http2', [])
    const page = await visitor()
    let tried = 0
    while (tried < 60 && isBanned(site).length === 0) await page.goto(`${site.origin}/word-${tried++}`)
    assert.ok(tried >= 51 && isBanned(site).length === 1, `${tried}`)
    const other = await openSite('http2', [])
    await page.goto(`${other.origin}/`)
    for (tried = 0; tried < 60 && isBanned(other).length === 0; tried++) await page.click('button')
    // A click returns before its answer is here.
    assert.ok(tried >= 51 && tried <= 54, `${tried}`)
  })
})
