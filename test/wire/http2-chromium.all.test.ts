import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { pathAllowlist, protect } from '../../lib/index.ts'
import { type Browser, startChromium } from '../support/chromium.ts'
import { collectDrops } from '../support/events.ts'
import { credentials, listen, type RunningServer } from '../support/servers.ts'
import { requireTool } from '../support/tools.ts'

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'

/** A page of images, some of which no list names. */
interface Images {
  readonly count: number
  readonly isUnlisted: (image: number) => boolean
}

const tenOf40: Images = { count: 40, isUnlisted: i => i % 4 === 1 }
const threeOf30: Images = { count: 30, isUnlisted: i => i % 10 === 4 }

const markup = ({ count, isUnlisted }: Images) =>
  `<!doctype html><link rel=icon href="data:,">${Array.from(
    { length: count },
    (_, i) => `<img src="/${isUnlisted(i) ? 'old' : 'img'}/${i}?${Math.random()}">`,
  ).join('\n')}`

/** How many images of the page that is shown are there. */
const shown = (page: Page) =>
  page.evaluate<number>('[...document.images].filter(image => image.naturalWidth > 0).length')

describe('a page with dropped images over HTTP/2, in a real Chromium', {
  skip: requireTool('chromium'),
  timeout: 240_000,
}, () => {
  let browser: Browser
  let server: RunningServer
  let connections: number
  let drops: ReturnType<typeof collectDrops>

  before(async () => {
    browser = await startChromium()
  })
  after(() => browser.close())
  afterEach(async () => {
    drops.stop()
    await server.close()
  })

  async function serve(images: Images): Promise<string> {
    let answered = 0
    connections = 0
    drops = collectDrops()
    const bare = http2.createSecureServer(credentials, (req, res) => {
      const isPage = req.url === '/page'
      res.setHeader('Content-Type', isPage ? 'text/html' : 'image/svg+xml')
      res.setHeader('Cache-Control', 'no-store')
      // Answers come out of turn: some requests are in flight whenever another is dropped.
      setTimeout(() => res.stream.destroyed || res.end(isPage ? markup(images) : svg), (answered++ * 7) % 30)
    })
    bare.on('session', () => connections++)
    server = await listen(protect(bare, { rules: [pathAllowlist(['/page', '/img/*'])] }))
    return `https://site.example:${server.port}/page`
  }

  /** Loads the page again and again; tells how many listed images each load shows. */
  async function load(url: string, times: number, tabs: () => Promise<Page>): Promise<number[]> {
    const counts: number[] = []
    while (counts.length < times) {
      const page = await tabs()
      await page.goto(url, { waitUntil: 'load', timeout: 20_000 })
      counts.push(await shown(page))
    }
    return counts
  }

  for (const [name, images] of Object.entries({ tenOf40, threeOf30 })) {
    const unlisted = Array.from({ length: images.count }, (_, i) => i).filter(images.isUnlisted).length
    const listed = images.count - unlisted

    test(`one visitor, 50 loads: ${name}`, async () => {
      const url = await serve(images)
      const page = await browser.visitor()
      const counts = await load(url, 50, async () => page)
      await page.context().close()
      assert.deepEqual(counts, Array(50).fill(listed))
      assert.ok(drops.events.length >= 50 * unlisted, `${drops.events.length} events`)
      assert.deepEqual([...new Set(drops.events.map(({ action }) => action))], ['reset'])
    })

    test(`a visitor each, 10 loads: ${name}`, async () => {
      const url = await serve(images)
      const counts = await load(url, 10, () => browser.visitor())
      assert.deepEqual(counts, Array(10).fill(listed))
      assert.ok(connections >= 10)
      assert.ok(drops.events.length >= 10 * unlisted, `${drops.events.length} events`)
    })
  }
})
