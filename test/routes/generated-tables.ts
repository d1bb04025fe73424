import fc from 'fast-check'
import { type AnyApp, answer, goOn, type RouterOptions, type Version, versions } from './express-apps.ts'

/** A segment of a path: as each version writes it, and what a request may have in its place. */
interface Segment {
  readonly express4: string
  readonly express5: string
  readonly texts: readonly string[]
}

const same = (text: string): Segment => ({ express4: text, express5: text, texts: [text] })

const values = ['7', 'a', 'x.y', '%2e%2e', 'a%2Fb', '%zz', '%c3%a9', '', '..', 'a;b', 'B', '%', '\xe9']

const segments: readonly Segment[] = [
  ...['/a', '/b', '/Ab', '/a.b', '/x-y', '/%20', '/a%2Fb', '/~', '/b/', '/a/b'].map(same),
  { ...same('/:id'), texts: values.map(value => `/${value}`) },
  { ...same('/:id'), texts: values.map(value => `/${value}`) },
  { ...same('/:a-:b'), texts: ['/1-2', '/a-', '/--', '/x-%zz'] },
  { express4: '/:o?', express5: '{/:o}', texts: ['', '/', '/1', '/%zz'] },
  { express4: '/c?d', express5: '/{c}d', texts: ['/d', '/cd', '/ccd'] },
  { express4: '/*', express5: '/*rest', texts: ['/', '/1', '/1/2', '/..', '/a//b', '/%ff', ''] },
  { express4: '/:n(\\d+)', express5: '/:n', texts: ['/1', '/a'] },
]

const expressions: readonly { source: string; texts: readonly string[] }[] = [
  { source: '^\\/a', texts: ['/a', '/ab', '/a/b', '/A'] },
  { source: 'b$', texts: ['/b', '/a/b', '/ab'] },
  { source: '\\/(a|b)\\/(.+)', texts: ['/a/1', '/x/b/2', '/a/%zz'] },
  { source: '^\\/x\\/(\\d+)$', texts: ['/x/1', '/x/1/', '/x/a'] },
  { source: '%2f', texts: ['/a%2fb', '/%2F'] },
  { source: '^\\/(?:a|\\/)', texts: ['/a', '//', '//a'] },
]

/** A path to register: text of segments, a RegExp, or several. */
type PathSpec =
  | { readonly parts: readonly Segment[] }
  | { readonly expression: (typeof expressions)[number]; readonly flags: string }
  | { readonly any: readonly PathSpec[] }

type Entry =
  | { readonly kind: 'route'; path: PathSpec; methods: readonly string[]; isRoute: boolean }
  | { readonly kind: 'mount'; path: PathSpec | undefined; inner: Table; as: 'router' | 'app' }
  | { readonly kind: 'middleware'; path: PathSpec | undefined; isForErrors: boolean }

export interface Table {
  readonly options: RouterOptions
  readonly entries: readonly Entry[]
}

const text = fc.record({ parts: fc.array(fc.constantFrom(...segments), { minLength: 1, maxLength: 3 }) })
const expression = fc.record({
  expression: fc.constantFrom(...expressions),
  flags: fc.constantFrom('', '', 'i', 'g', 'y', 'gi'),
})
const single: fc.Arbitrary<PathSpec> = fc.oneof({ weight: 5, arbitrary: text }, expression)
const path: fc.Arbitrary<PathSpec> = fc.oneof(
  { weight: 8, arbitrary: single },
  fc.record({ any: fc.array(single, { minLength: 1, maxLength: 3 }) }),
)
const mountPath = fc.option(path, { nil: undefined, freq: 4 })

const methods = ['get', 'get', 'get', 'post', 'put', 'head', 'options', 'all']

const options = fc.record({
  strict: fc.boolean(),
  caseSensitive: fc.boolean(),
  mergeParams: fc.boolean(),
})

function entries(depth: number): fc.Arbitrary<Entry> {
  const route: fc.Arbitrary<Entry> = fc.record({
    kind: fc.constant('route' as const),
    path,
    methods: fc.array(fc.constantFrom(...methods), { minLength: 0, maxLength: 3 }),
    isRoute: fc.boolean(),
  })
  const middleware: fc.Arbitrary<Entry> = fc.record({
    kind: fc.constant('middleware' as const),
    path: mountPath,
    isForErrors: fc.boolean(),
  })
  if (depth === 0) return fc.oneof({ weight: 4, arbitrary: route }, middleware)
  const mount: fc.Arbitrary<Entry> = fc.record({
    kind: fc.constant('mount' as const),
    path: mountPath,
    inner: tables(depth - 1),
    as: fc.constantFrom('router' as const, 'app' as const),
  })
  return fc.oneof({ weight: 4, arbitrary: route }, { weight: 3, arbitrary: mount }, middleware)
}

export function tables(depth = 2): fc.Arbitrary<Table> {
  return fc.record({ options, entries: fc.array(entries(depth), { minLength: 1, maxLength: 4 }) })
}

function pathFor(spec: PathSpec, version: Version): unknown {
  if ('any' in spec) return spec.any.map(each => pathFor(each, version))
  if ('expression' in spec) return new RegExp(spec.expression.source, spec.flags)
  return spec.parts.map(part => part[version]).join('')
}

/** Some path that Express 5 can't read (a parameter twice): such an entry is left out. */
function isReadable(spec: PathSpec | undefined): boolean {
  if (!spec) return true
  if ('any' in spec) return spec.any.every(isReadable)
  if ('expression' in spec) return true
  const parameters = spec.parts.flatMap(part => part.express5.match(/[:*]\w+/g) ?? [])
  return new Set(parameters).size === parameters.length
}

const onError = (error: unknown, _req: unknown, _res: unknown, next: (error: unknown) => void) => next(error)

function mount(app: AnyApp, at: unknown[], { inner, as }: Entry & { kind: 'mount' }, version: Version): void {
  const child = as === 'app' ? appOf(inner, version) : versions[version].Router(inner.options)
  if (as === 'router') fill(child, inner, version)
  app.use(...at, goOn, child)
}

function addRoute(app: AnyApp, at: unknown, { methods, isRoute }: Entry & { kind: 'route' }): void {
  const route = isRoute ? app.route(at) : undefined
  for (const method of methods as 'get'[])
    if (route) route[method](goOn, answer)
    else app[method](at, answer)
}

function fill(app: AnyApp, { entries }: Table, version: Version): void {
  for (const entry of entries.filter(each => isReadable(each.path))) {
    const at = entry.path ? [pathFor(entry.path, version)] : []
    if (entry.kind === 'middleware') app.use(...at, entry.isForErrors ? onError : goOn)
    else if (entry.kind === 'mount') mount(app, at, entry, version)
    else addRoute(app, at[0], entry)
  }
}

/** The app of a table, in one of the versions; with something before all else. */
export function appOf(table: Table, version: Version, first?: (app: AnyApp) => unknown): AnyApp {
  const app = versions[version]()
  app.set('env', 'test')
  app.set('strict routing', table.options.strict)
  app.set('case sensitive routing', table.options.caseSensitive)
  if (first) app.use(first(app))
  fill(app, table, version)
  return app
}

/** Reads choices off a list of numbers, in turn. */
function chooser(seeds: readonly number[]) {
  let i = 0
  return <T>(of: readonly T[]): T => of[(seeds[i++ % seeds.length] as number) % of.length] as T
}

function textFor(spec: PathSpec, pick: ReturnType<typeof chooser>): string {
  if ('any' in spec) return textFor(pick(spec.any), pick)
  if ('expression' in spec) return pick(spec.expression.texts)
  return spec.parts.map(part => pick(part.texts)).join('')
}

const mutations: readonly ((url: string) => string)[] = [
  url => url,
  url => url,
  url => url,
  url => url.toUpperCase(),
  url => `${url}/`,
  url => url.replace(/\/$/, ''),
  url => url.replace('/', '//'),
  url => url.replace(/\/(?=[^/]*$)/, '//'),
  url => url.replace(/\/(?=[^/]*$)/, '%2F'),
  url => url.replace(/\/(?=[^/]*$)/, '\\'),
  url => url.replace(/[ab]/, letter => `%${letter.charCodeAt(0).toString(16)}`),
  url => `/..${url}`,
  url => `/a/..${url}`,
  url => `${url}/.`,
  url => `${url}/%2e%2e`,
  url => `${url};v=1`,
  url => `${url}?q=/a&b#c`,
  url => `${url}#b`,
  url => `${url}\t`,
  url => `${url}\xa0`,
  url => `${url}.json`,
  url => `${url}%`,
  url => `${url}%zz`,
  url => `${url}\xe9`,
  url => `http://h${url}`,
  url => `HTTP://h:80${url}?a`,
  url => `http://u@h/${url}#x`,
  url => `//h${url}`,
  url => url.slice(1),
  () => '*',
  () => '/',
]

const asked = ['GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE']

export interface Asked {
  readonly method: string
  readonly url: string
}

/** A request: a way through the table, by numbers, with mutations. */
export function requestFor(table: Table, seeds: readonly number[]): Asked {
  const pick = chooser(seeds)
  let method = pick(asked)
  let url = ''
  for (let at: Table | undefined = table; at; ) {
    const entry: Entry = pick(at.entries)
    url += entry.path ? textFor(entry.path, pick) : ''
    at = entry.kind === 'mount' ? entry.inner : undefined
    if (entry.kind === 'route' && entry.methods.length > 0 && pick([true, true, false]))
      method = pick(entry.methods).replace('all', 'patch').toUpperCase()
  }
  for (let i = pick([0, 0, 0, 1, 1, 2]); i > 0; i--) url = pick(mutations)(url)
  return { method, url: url || '/' }
}

export const seeds = fc.array(fc.nat(999), { minLength: 12, maxLength: 12 })
