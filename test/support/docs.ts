import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { root } from '../package/tree.ts'

/** A page of the documentation; `name` is its path in the repository, `prose` its text without code blocks. */
export interface Page {
  readonly name: string
  readonly text: string
  readonly prose: string
}

/** A file's text; Git may have given it Windows line ends. */
export const read = (name: string) => readFileSync(join(root, name), 'utf8').replace(/\r\n/g, '\n')

const fenced = /^( *)```(\w*)\n(.*?)^\1```$/gms

export function page(name: string): Page {
  const text = read(name)
  return { name, text, prose: text.replace(fenced, '') }
}

/** README.md and every page of docs/. */
export const pages: readonly Page[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.md'))
    .map(file => `docs/${file.replaceAll(sep, '/')}`),
].map(page)

/** The code blocks of a language, as they are to be run. */
export function codeBlocks({ text }: Page, language: string): string[] {
  const ours = [...text.matchAll(fenced)].filter(([, , found]) => found === language)
  return ours.map(([, indent = '', , code = '']) => code.replaceAll(`\n${indent}`, '\n').slice(indent.length))
}

/** The titles of a page's headings of these levels, in order. */
export function headings({ prose }: Page, levels = '1,6'): string[] {
  return [...prose.matchAll(new RegExp(`^#{${levels}} (.+)$`, 'gm'))].map(([, title = '']) => title)
}

/** The anchor of a heading, as GitHub makes it. */
export const anchor = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')

/** What stands under a heading, down to the next one of its level or above. */
export function section({ name, prose }: Page, title: string): string {
  const start = prose.search(new RegExp(`^#+ ${title}$`, 'm'))
  if (start < 0) throw new Error(`${name} has no heading "${title}"`)
  const level = /^#+/.exec(prose.slice(start))?.[0].length ?? 0
  const rest = prose.slice(prose.indexOf('\n', start))
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'))
  return end < 0 ? rest : rest.slice(0, end)
}

/** The rows of all tables whose first cell is one piece of code: that code, and the other cells. */
export function codeRows(text: string): Map<string, string[]> {
  const rows = [...text.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)]
  return new Map(rows.map(([, code = '', rest = '']) => [code, rest.split('|').map(cell => cell.trim())]))
}

/** The members that an interface of the source declares itself. */
export function membersOf(file: string, name: string): string[] {
  const body = new RegExp(`^export interface ${name}\\s.*?^}`, 'ms').exec(read(file))?.[0]
  const members = [...(body ?? '').matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)].map(
    ([, member = '']) => member,
  )
  if (members.length === 0) throw new Error(`${file}: no interface ${name} with members`)
  return members
}

/** The string literals of a union type of the source. */
export function literalsOf(file: string, name: string): string[] {
  const body = new RegExp(`^export type ${name} =(.*?)\n\n`, 'ms').exec(read(file))?.[1] ?? ''
  const literals = [...body.matchAll(/^ +\| '([^']+)'$/gm)].map(([, literal = '']) => literal)
  if (literals.length === 0) throw new Error(`${file}: no type ${name} of literals`)
  return literals
}
