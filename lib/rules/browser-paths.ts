/**
 * What browsers, phones, crawlers and certificate authorities ask for by themselves: an allowlist without these drops
 * people, their bookmarks' icons, and certificate renewals (RFC 8555 8.3). Most are names of RFC 8615's registry.
 */
export const browserPaths: readonly string[] = Object.freeze([
  '/favicon.ico',
  '/favicon-*.png',
  '/apple-touch-icon*.png',
  '/robots.txt',
  '/sitemap.xml',
  '/manifest.json',
  '/site.webmanifest',
  '/browserconfig.xml',
  '/humans.txt',
  '/ads.txt',
  '/app-ads.txt',
  '/apple-app-site-association',
  '/.well-known/acme-challenge/*',
  '/.well-known/apple-app-site-association',
  '/.well-known/appspecific/com.chrome.devtools.json',
  '/.well-known/assetlinks.json',
  '/.well-known/change-password',
  '/.well-known/gpc.json',
  '/.well-known/passkey-endpoints',
  '/.well-known/pki-validation/*',
  '/.well-known/security.txt',
  '/.well-known/traffic-advice',
])
