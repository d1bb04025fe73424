import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { read } from '../support/docs.ts'
import { root, temporary, tsc } from './tree.ts'

/*
 * The compiler writes a declaration in one form: a member a line, its comment above it. So lines and their indentation are enough to
 * read it, and no parser is needed.
 */

interface Declared {
  /** Its lines, and above them the comment. */
  readonly lines: readonly string[]
  readonly hasComment: boolean
}

const comment = /^\s*(?:\/\*\*.*\*\/|\*\/)$/
const emptyComment = /^\s*\/\*\*[\s*]*\*\/$/

/** Whether the lines before a place end in a docstring with words in it. */
function isDocumented(lines: readonly string[], at: number): boolean {
  const last = lines[at - 1] ?? ''
  return comment.test(last) && !emptyComment.test(last)
}

/** The last line of a declaration: all its braces are closed there. */
function endOf(lines: readonly string[], from: number): number {
  let depth = 0
  for (let at = from; at < lines.length; at++) {
    const code = (lines[at] ?? '').replace(/\/\*.*?\*\/|^\s*(?:\/\*\*|\*).*$/g, '')
    depth += code.split('{').length - code.split('}').length
    if (depth === 0 && /[;}]$/.test(code)) return at
  }
  return lines.length
}

/** What a file declares under a name: overloads and a type and a value of one name are several. */
function declarationsOf(lines: readonly string[], name: string): Declared[] {
  const start = new RegExp(
    `^(?:export )?(?:declare )?(?:abstract )?(?:async )?(?:function|const|class|interface|type|let) ${name}\\b`,
  )
  const found: Declared[] = []
  for (const [at, line] of lines.entries()) {
    if (!start.test(line)) continue
    const end = endOf(lines, at)
    found.push({ lines: lines.slice(at, end + 1), hasComment: isDocumented(lines, at) })
  }
  return found
}

/** A member of a declaration; types within it are indented deeper, and the comment of the member is theirs. */
const member = /^ {4}(?:readonly |override |static |get |set )*([\w$]+|\[.*?\])(?=[?(<:])/

/** The members of a declaration that no docstring stands above. */
function bareMembers({ lines }: Declared): string[] {
  // A function's type that is written as a method: its comment stands above all.
  if (/^\}\['\w+'\];$/.test(lines.at(-1) ?? '')) return []
  const bare: string[] = []
  let inComment = false
  for (const [at, line] of lines.entries()) {
    if (/^\s*\/\*/.test(line)) inComment = true
    if (inComment) {
      if (line.endsWith('*/')) inComment = false
    } else if (at > 0 && !isDocumented(lines, at)) {
      const [, name] = member.exec(line) ?? []
      if (name !== undefined) bare.push(name)
    }
  }
  return bare
}

type Files = (file: string) => readonly string[]

/** The file that a name comes from, if a file imports it or gives it on. */
function originOf(files: Files, file: string, name: string): string | undefined {
  const text = files(file).join('\n')
  for (const [, list = '', from = ''] of text.matchAll(
    /^(?:ex|im)port (?:type )?\{([^}]*)\} from '(\..+?)\.[jt]s';$/gm,
  ))
    if (namesIn(list).includes(name)) return join(dirname(file), `${from}.d.ts`)
  return undefined
}

const namesIn = (list: string) => list.split(',').map(each => each.trim().replace(/^type /, ''))

/** What has no docstring of a name: itself, members of it, and those of what it extends. */
function bareOf(files: Files, file: string, name: string, seen = new Set<string>()): string[] {
  if (seen.has(name)) return []
  seen.add(name)
  const declared = declarationsOf(files(file), name)
  if (declared.length === 0) {
    const origin = originOf(files, file, name)
    assert.ok(origin, `${file} does not declare ${name}`)
    seen.delete(name)
    return bareOf(files, origin, name, seen)
  }
  const bare = declared.some(({ hasComment }) => hasComment) ? [] : [name]
  for (const each of declared) {
    bare.push(...bareMembers(each).map(member => `${name}.${member}`))
    const [, bases = ''] = / extends (.*) \{$/.exec(each.lines[0] ?? '') ?? []
    for (const [base] of bases
      .replace(/'.*?'/g, '')
      .matchAll(/\b(?!(?:Omit|Pick|Error|Iterable)\b)[A-Z]\w+/g))
      bare.push(...bareOf(files, file, base, seen))
  }
  return bare
}

const entries = Object.values(JSON.parse(read('package.json')).exports as Record<string, { types?: string }>)
  .flatMap(({ types }) => types ?? [])
  .map(file => file.replace('./dist/', ''))

describe('docstrings of the public surface', () => {
  const dist = temporary('docstrings')
  tsc(['-p', join(root, 'lib'), '--outDir', dist], root)

  const files: Files = file => readFileSync(join(dist, file), 'utf8').split(/\r?\n/)

  for (const entry of entries) {
    test(`${entry}: every name, and every member of it, has one`, () => {
      const lists = files(entry)
        .join('\n')
        .matchAll(/^export (?:type )?\{([^}]*)\}/gm)
      const names = [...lists].flatMap(([, list = '']) => namesIn(list)).filter(name => name !== '')
      assert.ok(names.length > 0)
      assert.deepEqual([...new Set(names.flatMap(name => bareOf(files, entry, name)))], [])
    })
  }

  test('one that is missing is found', () => {
    const declare = (...lines: string[]) =>
      declarationsOf(['export interface Sample {', ...lines, '}'], 'Sample')
    const bare = (...lines: string[]) => declare(...lines).flatMap(bareMembers)
    assert.deepEqual(bare('    /** One. */', '    readonly one?: string;', '    two(req: Request): void;'), [
      'two',
    ])
    assert.deepEqual(
      bare('    /**', '     * One.', '     */', '    one: {', '        two: string;', '    };'),
      [],
    )
    assert.deepEqual(bare('    /** */', '    one: string;'), ['one'])
    assert.deepEqual(
      declare().map(({ hasComment }) => hasComment),
      [false],
    )
  })
})
