import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Reason } from '../../lib/index.ts'
import { root } from '../package/tree.ts'
import { read } from './docs.ts'

/*
 * What the source itself says of factories: so a new rule is in the tests of pages, names and odd options as soon as its file is there.
 */

const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
  .map(file => file.replaceAll('\\', '/'))
  .filter(file => file.endsWith('.ts'))
  .map(file => ({ file, text: read(`lib/${file}`) }))

const camel = (kebab: string) => kebab.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
const pascal = (kebab: string) => camel(`-${kebab}`)

/** The name of the page of a factory. */
export const pageOf = (factory: string) =>
  `${factory.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}.md`

const ruleFiles = sources.flatMap(({ file }) => /^rules\/([^/]+)\.ts$/.exec(file)?.[1] ?? [])

/** The factories of lib/rules: one a file, which has its name. */
export const ruleFactories: readonly string[] = ruleFiles.map(camel)

/** The types of options that these files export. */
export const ruleOptionTypes: readonly string[] = ruleFiles
  .map(file => ({ type: `${pascal(file)}Options`, text: read(`lib/rules/${file}.ts`) }))
  .filter(({ type, text }) => text.includes(`export interface ${type} `))
  .map(({ type }) => type)

interface Declared {
  readonly file: string
  readonly bases: string
  readonly members: readonly string[]
}

function declared(name: string): Declared {
  const start = new RegExp(`^(?:export )?interface ${name}(?: extends ([^{]*))? \\{\\n(.*?)^\\}`, 'ms')
  for (const { file, text } of sources) {
    const [found, bases = '', body = ''] = start.exec(text.replace(/\n\s+extends /g, ' extends ')) ?? []
    if (found === undefined) continue
    const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)].map(([, member = '']) => member)
    // The name of a type of the same file stands for that type.
    const aliases = bases.replace(
      /\b[A-Z]\w+\b/g,
      base => new RegExp(`^type ${base} = (.*)$`, 'm').exec(text)?.[1] ?? base,
    )
    return { file, bases: aliases, members }
  }
  throw new Error(`lib/ has no interface ${name}`)
}

const common = ['CommonOptions', 'DropHow']

/** The options of a type and of those it extends; of the common ones only those that it picks. */
function membersWithBases(name: string): string[] {
  const { bases, members } = declared(name)
  const picked = [...bases.matchAll(/\bPick<\w+, ([^>]*)>/g)].flatMap(([, list = '']) =>
    [...list.matchAll(/'(\w+)'/g)].map(([, member = '']) => member),
  )
  const extended = [
    ...bases
      .replace(/\bPick<[^>]*>/g, '')
      .replace(/'\w+'/g, '')
      .matchAll(/\b[A-Z]\w+/g),
  ]
    .map(([base]) => base)
    .filter(base => base !== 'Omit' && !common.includes(base))
  return [...members, ...picked, ...extended.flatMap(membersWithBases)]
}

/** The type of a factory's options, as its declaration names it. */
function optionTypeOf(factory: string): string {
  const start = new RegExp(`^export function ${factory}\\b([^{]*)`, 'm')
  for (const { text } of sources) {
    const [, parameters] = start.exec(text) ?? []
    const type = /\boptions\??: (\w+)/.exec(parameters ?? '')?.[1]
    if (type) return type
  }
  throw new Error(`lib/ has no function ${factory} with options`)
}

/** The options that are a factory's own: all but the common ones, unless it picks some of these. */
export function ownOptionsOf(factory: string): readonly string[] {
  const type = optionTypeOf(factory)
  return common.includes(type) ? [] : [...new Set(membersWithBases(type))]
}

/** The options that all rules have. */
export const commonOptions: readonly string[] = common.flatMap(name => declared(name).members)

/** The factories that `drop444` calls. */
export const drop444Factories: readonly string[] = [
  ...read('lib/rules/drop444.ts').matchAll(/ from '\.\/([\w-]+)\.ts'/g),
].map(([, file = '']) => camel(file))

/** Other files that give a reason for a factory. */
const alsoFor: Readonly<Record<string, RegExp>> = {
  allowCidr: /^rules\/cidr\//,
  denyCidr: /^rules\/cidr\//,
  noHost: /^request\/request-host\.ts$/,
  protect: /^(?:server\/|request\/request-host\.ts$)/,
}

/** The reasons that a factory's own judgements give: those that its file and its folder name, by constant or as a literal of a type. */
export function reasonsOf(factory: string): readonly string[] {
  const own = `rules/${pageOf(factory).replace('.md', '')}`
  const text = sources
    .filter(({ file }) => file === `${own}.ts` || file.startsWith(`${own}/`) || alsoFor[factory]?.test(file))
    // This one names the reasons that are offences, or none.
    .filter(({ file }) => file !== 'rules/repeat-offender/offences.ts')
    .map(({ text }) => text)
    .join('')
  const named = [...text.matchAll(/Reason\.([A-Z\d_]+)/g)].map(([, key]) => Reason[key as 'DROP'])
  const literal = Object.values(Reason).filter(reason => text.includes(`| '${reason}'`))
  return [...new Set<string>([...named, ...literal])].sort()
}
