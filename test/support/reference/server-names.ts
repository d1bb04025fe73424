/**
 * nginx's choice by `server_name` (ngx_http_core_module): exact, then the longest `*.x` or `.x`, then the longest `x.*`, then
 * the first RegExp. `host` is lower case, without port and trailing dot.
 *
 * @returns the name that wins, or undefined for the default server
 */
export function nginxServerName(
  names: readonly (string | RegExp)[],
  host: string,
): string | RegExp | undefined {
  const texts = names.filter(name => typeof name === 'string')
  const longest = (fits: (name: string) => boolean) =>
    texts.filter(name => fits(name.toLowerCase())).sort((a, b) => b.length - a.length)[0]
  return (
    longest(name => name === host || (name[0] === '.' && name.slice(1) === host)) ??
    longest(name => /^\*?\./.test(name) && host.endsWith(name.replace('*', ''))) ??
    longest(name => name.endsWith('.*') && host.startsWith(name.slice(0, -1))) ??
    names.find(name => name instanceof RegExp && host.search(name) >= 0)
  )
}
