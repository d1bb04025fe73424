import { judgeablePath, pathOf } from '../../match/paths/request-path.ts'
import { refuse } from '../../options/options-error.ts'
import {
  boolean,
  type Check,
  isPlainObject,
  list,
  listArgument,
  reading,
  readOptions,
  refuseRequest,
} from '../../options/read-options.ts'
import { type UserPattern, warnOfSlow } from '../../options/slow-patterns.ts'
import { framework } from '../../request/http-types.ts'
import { makeRoutes, type Routes } from '../routes.ts'
import { type Context, type DjangoRoute, readRoutes } from './entries.ts'
import { pathInfoOf } from './path-info.ts'
import { compileProject } from './project.ts'
import { isLocalePrefix, type Node } from './resolve.ts'

export type { DjangoPattern, DjangoRoute } from './entries.ts'

/** Options of {@link djangoRoutes}: the settings of a project that decide which paths it has. */
export interface DjangoRoutesOptions {
  /** `APPEND_SLASH`: a path whose form with a slash has a view is redirected to it. Default true, as in Django. */
  appendSlash?: boolean | undefined
  /** Where the project is mounted (`FORCE_SCRIPT_NAME`), as clients ask for it. Default: at the root. */
  prefix?: string | undefined
  /** `STATIC_URL`: everything under it is listed. A URL of another host lists nothing. */
  static?: string | undefined
  /** `MEDIA_URL`, likewise. */
  media?: string | undefined
  /** The codes of `LANGUAGES`, for `i18n_patterns`. */
  languages?: readonly string[] | undefined
  /** `LANGUAGE_CODE`. Default: the first language. */
  defaultLanguage?: string | undefined
  /** `i18n_patterns(prefix_default_language=…)`. Default true, as in Django. */
  prefixDefaultLanguage?: boolean | undefined
  /** Whether LocaleMiddleware redirects `/about/` to `/en/about/`. Default true. */
  localeRedirect?: boolean | undefined
  /** The project's own converters: name and `regex`, in Python's syntax. */
  converters?: Readonly<Record<string, string>> | undefined
}

/** What the export of docs/django-routes.md prints: routes (by language, where they are translated) and settings. */
export interface DjangoExport extends DjangoRoutesOptions {
  /** The entries of the URLconf; or, by the code of a language, those of each. */
  routes: readonly DjangoRoute[] | Readonly<Record<string, readonly DjangoRoute[]>>
}

const mount: Check<string> = (value, fail) =>
  typeof value === 'string' && /^(?:\/.*)?$/s.test(value)
    ? value.replace(/\/+$/, '')
    : fail('a path that begins with a slash')

/** A URL of another host is legal; it lists nothing here. */
const files: Check<string> = (value, fail) =>
  typeof value === 'string' && value.endsWith('/') && value !== '/'
    ? value
    : fail('a path below the root that ends with a slash')

const language: Check<string> = (value, fail) =>
  typeof value === 'string' && /^[\w@-]+$/.test(value) ? value : fail("language codes as in 'pt-br'")

const sources: Check<Record<string, string>> = (value, fail) =>
  isPlainObject(value) && Object.values(value as object).every(source => typeof source === 'string')
    ? { ...(value as Record<string, string>) }
    : fail('an object with the regex of each converter')

const checks = () =>
  ({
    appendSlash: boolean,
    prefix: mount,
    static: files,
    media: files,
    languages: (value, fail, factory) => list(value, fail, factory).map(code => language(code, fail)),
    defaultLanguage: language,
    prefixDefaultLanguage: boolean,
    localeRedirect: boolean,
    converters: sources,
  }) satisfies Record<keyof DjangoRoutesOptions, Check<unknown>>

/**
 * The paths that a Django project has, for `pathAllowlist`: those for which its resolver finds a view, and those that it
 * redirects to one.
 *
 * @param routes the URLconf's entries in order, or what the export of docs/django-routes.md printed: `path()` syntax as
 *   it is, `{ re }`, `{ include, routes }`, `{ i18n }`
 *
 * @example
 * app.use(pathAllowlist(djangoRoutes(['', 'orders/<int:pk>/', { re: '^year/(?P<year>[0-9]{4})/$' }])))
 *
 * @throws OptionsError that names the route: an unknown converter, Python's syntax that JavaScript doesn't have
 */
export function djangoRoutes(
  routes: readonly DjangoRoute[] | DjangoExport,
  options?: DjangoRoutesOptions,
): Routes {
  refuseRequest('djangoRoutes', routes)
  const { given, settings } = reading('djangoRoutes', 'routes', routes, () => split(routes))
  const checked = reading('djangoRoutes', 'options', options, () => {
    if (options !== undefined && !isPlainObject(options)) readOptions('djangoRoutes', options, checks())
    return readOptions('djangoRoutes', { ...settings, ...options }, checks())
  })
  const { prefix = '', appendSlash = true, localeRedirect = true } = checked
  const { converters = {}, prefixDefaultLanguage = true } = checked
  const expressions: UserPattern[] = []
  const shared = { converters, prefixDefaultLanguage, expressions }
  const context: Context = { ...shared, within: '', afterSlash: true }
  const languages = new Set(checked.languages)
  const defaultLanguage = checked.defaultLanguage ?? checked.languages?.[0] ?? 'en-us'
  const read = reading('djangoRoutes', 'routes', routes, () => readAll(given, defaultLanguage, context))
  warnOfSlow('djangoRoutes', expressions)
  if (languages.size === 0 && read.routes.some(isLocalePrefix)) {
    refuse('djangoRoutes', 'languages', undefined, 'the codes of LANGUAGES, as routes are in "i18n"')
  }
  const isServed = compileProject({ ...read, appendSlash, languages, defaultLanguage, localeRedirect })
  const folders = (['static', 'media'] as const).flatMap(name => {
    const [folder] = folderOf(checked[name], prefix)
    if (folder === undefined) return []
    // Django puts FORCE_SCRIPT_NAME before an empty setting: then it would be the whole project.
    if (`${prefix}/`.startsWith(folder))
      refuse('djangoRoutes', name, checked[name], 'a path below the project itself')
    return [folder]
  })
  return makeRoutes(req => {
    const path = pathOf(framework(req).originalUrl ?? req.url ?? '')
    const decoded = pathInfoOf(path)
    if (folders.some(folder => decoded.startsWith(folder)) && judgeablePath(path) !== undefined) return true
    const info = below(prefix, decoded)
    return info !== undefined && isServed(info)
  })
}

/** Splits the argument, in either form, into the list of routes and the settings beside it. */
function split(routes: unknown): { given: unknown; settings: object } {
  if (!isPlainObject(routes)) return { given: listArgument('djangoRoutes', 'routes', routes), settings: {} }
  const { routes: given, ...settings } = routes as { routes?: unknown }
  if (isPlainObject(given)) return { given, settings }
  return { given: listArgument('djangoRoutes', 'routes', given), settings }
}

function readAll(
  given: unknown,
  defaultLanguage: string,
  context: Context,
): { routes: Node[]; translated: Map<string, Node[]> } {
  if (Array.isArray(given)) return { routes: readRoutes(given, context), translated: new Map() }
  const read = Object.entries(given as object).map(([code, routes]): [string, Node[]] => [
    code,
    readRoutes(routes, context),
  ])
  const translated = new Map(read)
  const routes = translated.get(defaultLanguage) ?? read[0]?.[1]
  return {
    routes: routes ?? refuse('djangoRoutes', 'routes', given, 'a list of routes for each language'),
    translated,
  }
}

/** The path that a folder's files begin with; none for a URL of another host, whose files are not asked for here. */
function folderOf(url: string | undefined, prefix: string): string[] {
  if (url === undefined || /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(url)) return []
  return [url.startsWith('/') ? url : `${prefix}/${url}`]
}

/** The `PATH_INFO` under a mount point; Django reads an empty one as `/`. */
const below = (prefix: string, path: string): string | undefined =>
  path.startsWith(prefix) ? path.slice(prefix.length) || '/' : undefined
