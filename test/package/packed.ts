import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { copyTree, link, root, run, temporary } from './tree.ts'

export interface Packed {
  /** The files of the tarball. */
  readonly files: readonly string[]
  readonly manifest: { readonly dependencies: Record<string, string>; readonly exports: object }
  /** The tarball, unpacked. */
  readonly directory: string
}

/** Builds a copy of the tree, packs it as npm does, and unpacks the tarball. */
export function pack(): Packed {
  const tree = temporary('tree')
  copyTree(tree)
  run('npm', ['run', 'build'], tree)
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', tree]
  const [packed] = Object.values(JSON.parse(run('npm', args, tree))) as [Listing]
  run('tar', ['-xzf', packed.filename], tree)
  const directory = join(tree, 'package')
  return {
    files: packed.files.map(({ path }) => path).sort(),
    manifest: JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')),
    directory,
  }
}

interface Listing {
  filename: string
  files: { path: string }[]
}

/** What a user of the package has installed for an app of their own. */
const ofTheUser = ['connect', 'express', '@types/connect', '@types/express', '@types/node']

/**
 * A copy of a consumer project with the package installed. The package lies there as npm would lay it; beside it is only
 * what it declares, so that a dependency that is not declared is not found.
 */
export function install(name: string, { directory, manifest }: Packed): string {
  const project = join(temporary('consumer'), name)
  cpSync(join(root, 'test', 'package', 'consumers', name), project, { recursive: true })
  const modules = join(project, 'node_modules')
  cpSync(directory, join(modules, 'drop444'), { recursive: true })
  for (const dependency of [...Object.keys(manifest.dependencies), ...ofTheUser]) {
    const path = join(modules, ...dependency.split('/'))
    mkdirSync(dirname(path), { recursive: true })
    link(join(root, 'node_modules', dependency), path)
  }
  return project
}
