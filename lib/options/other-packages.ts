/**
 * Names of options in other packages (and in nginx, fail2ban), and ours for the same. If several of ours are listed, the first that the
 * factory has is suggested. The keys are in lower case, without `-`, `_` and blanks.
 */
const aliases: Readonly<Record<string, string>> = {
  // express-rate-limit, @fastify/rate-limit, hono-rate-limiter, koa-ratelimit
  statuscode: 'status',
  max: 'rate limit',
  limit: 'rate',
  windowms: 'rate window',
  timewindow: 'rate window',
  keygenerator: 'key',
  id: 'key',
  identifier: 'name',
  namespace: 'name',
  message: 'handler',
  errorresponsebuilder: 'handler',
  onlimitreached: 'handler',
  passonstoreerror: 'onStoreError',
  skiponerror: 'onStoreError',
  requestwassuccessful: 'statuses',
  skipsuccessfulrequests: 'statuses',
  cache: 'maxKeys',
  redis: 'sendCommand store',
  client: 'sendCommand store',
  driver: 'store',
  // express-slow-down
  delayafter: 'delay',
  delayms: 'rate',
  maxdelayms: 'burst',
  // rate-limiter-flexible, express-brute
  points: 'rate limit',
  duration: 'rate',
  keyprefix: 'prefix name',
  execevenly: 'delay',
  timeoutms: 'timeout',
  blockduration: 'ban',
  insurancelimiter: 'onStoreError',
  rejectifredisnotready: 'onStoreError',
  storeclient: 'sendCommand store',
  freeretries: 'limit',
  // fail2ban, nginx
  bantime: 'ban',
  findtime: 'window',
  maxretry: 'limit',
  ignoreip: 'except',
  nodelay: 'delay',
  zone: 'maxKeys',
  // toobusy-js, @fastify/under-pressure
  maxlag: 'maxDelay',
  maxeventloopdelay: 'maxDelay',
  sampleinterval: 'interval',
  // express-ipfilter, and other names of lists
  allowprivateips: 'except',
  excluding: 'skip',
  detectip: 'trustProxy',
  trustedproxies: 'trustProxy',
  whitelist: 'allow except',
  allowlist: 'allow except',
  blacklist: 'patterns denyCidr',
  blocklist: 'patterns denyCidr',
  denylist: 'patterns denyCidr',
  ignore: 'except',
  paths: 'pathAllowlist also',
  filter: 'skip',
  // Hosts and agents
  hosts: 'serverNames',
  hostname: 'serverNames',
  hostnames: 'serverNames',
  domains: 'serverNames',
  vhost: 'serverNames',
  allowedhosts: 'serverNames',
  servername: 'serverNames',
  agents: 'patterns',
  useragents: 'patterns',
  // Express, helmet, micromatch
  trustproxy: 'trustProxy',
  proxy: 'trustProxy',
  trust: 'trustProxy',
  logonly: 'dryRun',
  reportonly: 'dryRun',
  sensitive: 'caseSensitive',
  casesensitiverouting: 'caseSensitive',
  strictrouting: 'strict',
  nocase: 'caseSensitive',
}

const beforeAnswers =
  'a limit is decided before there is an answer, and counts every request; repeatOffender() counts failed answers'
const announces = 'no RateLimit fields are sent; an answer with "status" says Retry-After'
const lists = 'the addresses are the first argument of denyCidr()'
const paths =
  'the paths are the first argument of pathAllowlist(); a rule for some paths is mounted there, app.use(path, rule)'
const logs = 'dropLog() logs for all rules, onDrop() tells of each drop'

/** Advice for options of other packages that have no counterpart here. */
const hints: Readonly<Record<string, string>> = {
  skipsuccessfulrequests: beforeAnswers,
  skipfailedrequests: beforeAnswers,
  requestwassuccessful: beforeAnswers,
  standardheaders: announces,
  legacyheaders: announces,
  headers: announces,
  addheaders: announces,
  blacklist: lists,
  blocklist: lists,
  denylist: lists,
  ips: lists,
  paths,
  path: paths,
  routes: paths,
  blockduration: 'repeatOffender() bans',
  mode: 'denyCidr() denies its list, allowCidr() allows it',
  log: logs,
  logger: logs,
  ondrop: logs,
}

const plain = (given: string) => given.toLowerCase().replace(/[-_ ]/g, '')

/** Our name for another package's option: the first one among `known`; undefined if there is none. */
export function peerName(given: string, known: readonly string[]): string | undefined {
  const names = Object.hasOwn(aliases, plain(given)) ? aliases[plain(given)]?.split(' ') : undefined
  return names?.find(each => known.includes(each))
}

/** The advice for another package's option; undefined if there is none. */
export const peerHint = (given: string): string | undefined =>
  Object.hasOwn(hints, plain(given)) ? hints[plain(given)] : undefined
