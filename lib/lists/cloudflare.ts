import published from './cloudflare.json' with { type: 'json' }

/**
 * The addresses that Cloudflare connects from, as it published them (`ips-v4`, `ips-v6`) on the date in `cloudflare.json`.
 * The list changes every few years; the page on CDNs shows how to use a newer one.
 *
 * @example
 * app.set('trust proxy', cloudflare)
 * app.use(allowCidr(cloudflare, { address: 'peer' })) // nothing but the CDN may connect
 */
export const cloudflare: readonly string[] = /* @__PURE__ */ listed(published)

function listed({ ipv4, ipv6 }: typeof published): readonly string[] {
  return Object.freeze([...ipv4, ...ipv6])
}
