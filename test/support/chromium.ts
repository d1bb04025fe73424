import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { findTool } from './tools.ts'

export interface Browser {
  /** A page of a person of its own, who shares cookies, cache and connections with nobody. */
  visitor(): Promise<Page>
  close(): Promise<void>
}

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * 127.0.0.1',
]

/** A real Chromium for which every name is loopback, and every certificate good. */
export async function startChromium(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: findTool('chromium') as string, args })
  const contexts: BrowserContext[] = []
  return {
    async visitor() {
      const context = await browser.newContext({ ignoreHTTPSErrors: true })
      contexts.push(context)
      return context.newPage()
    },
    async close() {
      await Promise.all(contexts.map(context => context.close()))
      await browser.close()
    },
  }
}
