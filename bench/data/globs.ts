import { seeded, shuffled } from '../support/random.ts'

const smallest = ['/', '/users/**', '!/users/internal', '/static/**/*.{js,css}', '/docs/@(en|de)/*']

/** What stands in lists of real sites, by the name of a part of one. */
const shapes: readonly ((name: string) => string[])[] = [
  name => [`/${name}`],
  name => [`/${name}/**`, `!/${name}/internal`],
  name => [`/${name}/*`],
  name => [`/api/v1/${name}/*/reviews`],
  name => [`/assets/${name}/**/*.{js,css}`],
  name => [`/blog/${name}-*/**`],
  name => [`/img/${name}/+([0-9]).png`],
  name => [`/${name}/@(en|de|fr)/*.html`, `!/${name}/en/draft*`],
  name => [`/files/${name}/!(private|secret)`],
]

const words = [
  'shop',
  'order',
  'cart',
  'team',
  'news',
  'help',
  'search',
  'media',
  'event',
  'invoice',
  'report',
]

/** So many globs, among them some with `!`, each of which stands behind all that it takes away from. */
export function globsOf(count: number): string[] {
  const globs = [...smallest]
  for (let i = 0; globs.length < count; i++) {
    const name = `${words[i % words.length]}${i < words.length ? '' : Math.floor(i / words.length)}`
    globs.push(...(shapes[i % shapes.length]?.(name) ?? []))
  }
  return globs.slice(0, count)
}

const fillers = ['42', 'index', 'a-1', 'summer_2024', '7', 'profile', 'en', 'draft-2']

/** A path that the glob is likely to match. */
const pathFor = (glob: string, pick: (limit: number) => number): string =>
  glob
    .replace(/^!/, '')
    .replace(/\*\*/g, () => fillers.slice(pick(4), pick(4) + 4).join('/'))
    .replace(/[+]\(\[0-9\]\)/g, () => String(pick(1000)))
    .replace(/[@]\(([^)]*)\)|\{([^}]*)\}/g, (_, extglob?: string, brace?: string) => {
      const choices = (extglob ?? brace ?? '').split(/[|,]/)
      return choices[pick(choices.length)] as string
    })
    .replace(/!\(.*?\)/g, () => fillers[pick(fillers.length)] as string)
    .replace(/\*/g, () => fillers[pick(fillers.length)] as string)

const scanned = `
  /wp-login.php /wp-admin/setup-config.php /xmlrpc.php /phpmyadmin/index.php /cgi-bin/luci /boaform/admin/formLogin
  /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php /actuator/health /solr/admin/info/system /console /manager/html
  /owa/auth/logon.aspx /remote/login /HNAP1 /setup.cgi /api/jsonws/invoke /server-status /backup.zip /login.action
`.match(/\S+/g) as string[]

/**
 * Paths that hit each glob, that miss it by a little, and that scanners ask for. None has an encoded or hidden character or
 * a trailing slash: there drop444 decides otherwise than micromatch on purpose.
 */
export function pathsFor(globs: readonly string[]): string[] {
  const pick = seeded(444)
  const paths: string[] = []
  for (let i = 0; i < 2000; i++) {
    const hit = pathFor(globs[i % globs.length] as string, pick)
    paths.push(hit, i % 2 === 0 ? `${hit}x/none` : (scanned[pick(scanned.length)] as string))
  }
  return shuffled(paths.filter(path => !/[^\w/.-]|\/\.|\/\/|.\/$/.test(path)))
}

export const globOptions = { nocase: true, windows: false }
