/**
 * Paths that browsers, phones, crawlers and certificate authorities request by themselves. An allowlist without them drops
 * visitors, the icons of their bookmarks, and certificate renewals (RFC 8555 8.3). Most are in the registry of RFC 8615.
 *
 * - `favicon.ico`: HTML, "Link type icon". `favicon.svg`, `favicon.png` and `favicon-*.png`: names that icon generators give the other sizes.
 * - `manifest.webmanifest`, `site.webmanifest`, `manifest.json`: W3C Web Application Manifest, whose extension is `webmanifest`.
 * - `change-password`, and `resource-that-should-not-exist-…`, which must be a 404: W3C "A Well-Known URL for Changing Passwords" and
 *   "Detecting the reliability of HTTP status codes". Chromium requests both if it has saved passwords.
 * - `webauthn`: WebAuthn Level 3, 5.11 "Using Web Authentication across related origins"; `passkey-endpoints`: W3C "A Well-Known
 *   URL for Passkey Endpoints". `web-identity`: W3C FedCM, requested from the domain of an identity provider.
 */
export const browserPaths: readonly string[] = /* @__PURE__ */ Object.freeze([
  '/favicon.ico',
  '/favicon.png',
  '/favicon.svg',
  '/favicon-*.png',
  '/apple-touch-icon*.png',
  '/robots.txt',
  '/sitemap.xml',
  '/manifest.json',
  '/manifest.webmanifest',
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
  '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200',
  '/.well-known/security.txt',
  '/.well-known/traffic-advice',
  '/.well-known/web-identity',
  '/.well-known/webauthn',
])

/**
 * Paths that a browser or its operating system requests even if no page links to them: icons; the password page and the check
 * that a missing page is a 404 (W3C change-password); passkeys (WebAuthn 5.11), FedCM, app links; DevTools, with source maps.
 */
function unbidden(): RegExp {
  const paths = [
    String.raw`favicon(?:-[\w-]{1,20})?\.(?:ico|png|svg)`,
    String.raw`apple-touch-icon[-\w]{0,40}\.png`,
    String.raw`browserconfig\.xml`,
    String.raw`(?:\.well-known/)?apple-app-site-association`,
    String.raw`\.well-known/(?:assetlinks\.json|change-password|dnt-policy\.txt|gpc\.json|passkey-endpoints|traffic-advice)`,
    String.raw`\.well-known/(?:web-identity|webauthn|appspecific/com\.chrome\.devtools\.json)`,
    String.raw`\.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200`,
  ]
  return new RegExp(`^/(?:${paths.join('|')})$|\\.(?:css|m?js)\\.map$`)
}

const isUnbidden = /* @__PURE__ */ unbidden()

/** Whether browsers request a path (without query) by themselves. */
export const isAskedByBrowsers = (path: string): boolean => isUnbidden.test(path)

/** Whether crawlers or certificate authorities request a path again and again: it is in {@link browserPaths}, or is the token of a certificate check. */
export const isAskedByCrawlers = (path: string): boolean =>
  browserPaths.includes(path) || /^\/\.well-known\/(?:acme-challenge|pki-validation)\/[^/]+$/.test(path)
