import type { Layer } from '../express/internals.ts'
import { ask, restorePositions } from '../express/layer.ts'
import { mountedApp } from '../express/mounted-app.ts'
import { pathnameOf } from '../express/target.ts'
import { unwrap } from '../express/unwrap.ts'
import type { Rule } from '../judgement.ts'
import { shared } from '../runtime/copies.ts'

interface HostRule {
  readonly rule: Rule
  readonly dryRun: boolean
}

/** A rule that is mounted in an app. */
export interface MountedHostRule extends HostRule {
  /** It meets every request. */
  readonly isAtRoot: boolean
}

/** What a request asks for. */
export interface Asked {
  readonly method?: string | undefined
  readonly url?: string | undefined
}

/** By the middleware that is mounted: the rule itself, or a chain that holds it. */
const hostRules = /* @__PURE__ */ shared('host-rules', () => new WeakMap<object, HostRule>())

/** Has a rule found in the apps that mount it, or `mounted` in its place. */
export function addHostRule(rule: Rule, dryRun: boolean, mounted: Rule = rule): void {
  hostRules.set(mounted, { rule, dryRun })
}

export const hostRuleOf = (mounted: Rule): HostRule | undefined => hostRules.get(mounted)

/** A layer of Express 4 (`regexp`), Express 5 (`slash`) or Connect (`route`, a path). */
interface AnyLayer {
  readonly handle?: unknown
  readonly regexp?: { readonly fast_slash?: boolean }
  readonly slash?: boolean
  readonly route?:
    | string
    | { readonly stack?: readonly { readonly handle?: unknown; readonly method?: string }[] }
}

const isAtRoot = (layer: AnyLayer) =>
  layer.regexp?.fast_slash === true || layer.slash === true || layer.route === ''

interface Routing {
  readonly stack?: AnyLayer[]
  readonly _router?: { readonly stack: AnyLayer[] }
  readonly router?: { readonly stack: AnyLayer[] }
}

function stackOf(handler: object): readonly AnyLayer[] {
  const app = handler as Routing
  try {
    // In this order: the getter `router` of Express 4 throws.
    const stack = app.stack ?? app._router?.stack ?? app.router?.stack
    return Array.isArray(stack) ? stack : []
  } catch {
    return []
  }
}

const DEEPEST = 10

/**
 * The rules in an Express or Connect app that a request would meet, if every handler before them went on to the next; without
 * `asked` those at the root alone.
 */
export function rulesOnTheWay(app: unknown, asked?: Asked): MountedHostRule[] {
  const found: MountedHostRule[] = []
  const method = asked?.method?.toLowerCase() ?? ''

  function look(handle: unknown, path: string | undefined, isRoot: boolean, depth: number): void {
    if (typeof handle !== 'function') return
    const inner = unwrap(handle)
    const known = hostRules.get(inner)
    if (known) found.push({ ...known, isAtRoot: isRoot })
    else if (depth > 0)
      for (const layer of stackOf(mountedApp(inner as never) ?? inner)) enter(layer, path, isRoot, depth - 1)
  }

  function enter(layer: AnyLayer, path: string | undefined, isRoot: boolean, depth: number): void {
    const { route, handle } = layer
    if (isAtRoot(layer)) return look(handle, path, isRoot, depth)
    const rest = path === undefined ? undefined : restOf(layer, path)
    if (rest === undefined) return
    if (typeof route !== 'object') return look(handle, rest, false, depth)
    for (const each of route.stack ?? []) {
      const isAsked =
        each.method === undefined || each.method === method || (method === 'head' && each.method === 'get')
      if (isAsked) look(each.handle, rest, false, depth)
    }
  }

  look(app, asked && pathnameOf(asked.url ?? ''), true, DEEPEST)
  return found
}

/** What is left of a path behind that of a layer; undefined where it does not match. */
function restOf(layer: AnyLayer, path: string): string | undefined {
  const cut = cutOf(layer, path)
  if (cut === undefined) return undefined
  const rest = path.slice(cut.length)
  if (rest !== '' && !/^[/.]/.test(rest) && !cut.endsWith('/')) return undefined
  return rest.startsWith('/') ? rest : `/${rest}`
}

function cutOf(layer: AnyLayer, path: string): string | undefined {
  const { route } = layer
  if (typeof route === 'string') {
    const start = path.slice(0, route.length)
    return start.toLowerCase() === route.toLowerCase() ? start : undefined
  }
  if (typeof (layer as unknown as Layer).match !== 'function') return undefined
  const search = {}
  const matched = ask(layer as unknown as Layer, path, search)
  restorePositions(search)
  if (matched === 'failed' || !matched) return undefined
  return matched === true ? ((layer as unknown as Layer).path ?? '') : matched.path
}
