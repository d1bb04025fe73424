import { languageOf, supportedVariant } from './languages.ts'
import { type Active, isLocalePrefix, type Node, resolve } from './resolve.ts'

/** A project's routes and the settings that decide about them. */
export interface DjangoProject {
  readonly routes: readonly Node[]
  /** The routes of each language, if they are translated. */
  readonly translated: ReadonlyMap<string, readonly Node[]>
  readonly appendSlash: boolean
  readonly languages: ReadonlySet<string>
  readonly defaultLanguage: string
  readonly localeRedirect: boolean
}

function isLocalised(nodes: readonly Node[]): boolean {
  return nodes.some(node => isLocalePrefix(node) || ('routes' in node && isLocalised(node.routes)))
}

/** Whether Django, asked for this `path_info`, has a view or redirects to one. */
export function compileProject(project: DjangoProject): (path: string) => boolean {
  const { routes, translated, appendSlash, languages, defaultLanguage } = project
  const activate = (code: string): Active => ({ language: code.toLowerCase(), defaultLanguage })
  const find = (path: string, active: Active) =>
    resolve(translated.get(active.language) ?? routes, path.slice(1), active)

  /** CommonMiddleware redirects where the path alone leads nowhere. Each path is asked about in all languages at once. */
  function isServed(path: string, actives: readonly Active[]): boolean {
    if (actives.some(active => find(path, active) !== undefined)) return true
    if (!appendSlash || path.endsWith('/')) return false
    const withSlash = `${path}/`
    return actives.some(active => find(withSlash, active)?.appendSlash === true)
  }

  // Django takes the settings of the first `i18n_patterns` in the root URLconf for all of them.
  const locale = routes.find(isLocalePrefix)
  const ofVisitor = supportedVariant(defaultLanguage, languages) ?? defaultLanguage
  const everyLanguage = [...new Set([ofVisitor, ...languages])].map(activate)
  const dependsOnVisitor = translated.size > 0 || (!locale && isLocalised(routes))
  const pathIsUnprefixed = locale?.prefixDefaultLanguage === false

  /** LocaleMiddleware takes the language from the path, else from the visitor. */
  function activeFor(inPath: string | undefined): readonly Active[] {
    if (inPath !== undefined) return [activate(inPath)]
    if (pathIsUnprefixed) return [activate(defaultLanguage)]
    return dependsOnVisitor ? everyLanguage : [activate(ofVisitor)]
  }

  const redirects = project.localeRedirect && locale?.prefixDefaultLanguage === true
  const redirectTargets = everyLanguage.map((active, i) => ({ active, routes: targets(active, i === 0) }))

  /**
   * The routes to try for a language. After the first language only those that may give another result: outside of
   * `i18n_patterns` those that can begin with the code.
   */
  function targets({ language }: Active, isFirst: boolean): readonly Node[] {
    const start = `${language}/`
    const mayDiffer = (node: Node) =>
      isLocalePrefix(node)
        ? !node.prefixDefaultLanguage
        : node.start.startsWith(start) || start.startsWith(node.start)
    return translated.get(language) ?? (isFirst ? routes : routes.filter(mayDiffer))
  }

  const hasTarget = (path: string) =>
    redirectTargets.some(({ active, routes }) => {
      const target = `${active.language}${path}`
      return (
        resolve(routes, target, active) !== undefined ||
        (appendSlash && !target.endsWith('/') && resolve(routes, `${target}/`, active) !== undefined)
      )
    })

  return path => {
    if (!path.startsWith('/')) return false
    const inPath = locale ? languageOf(path, languages) : undefined
    if (isServed(path, activeFor(inPath))) return true
    return redirects && inPath === undefined && hasTarget(path)
  }
}
