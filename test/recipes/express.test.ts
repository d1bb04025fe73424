import { beforeRules } from './before.ts'
import { blocksOf } from './recipe.ts'
import { suite } from './suite.ts'

const [mounted = '', through = ''] = blocksOf('express')

for (const [name, module] of [
  ['Express 5', "'express'"],
  ['Express 4', "'express4'"],
] as const) {
  const changes = [["'express'", module]] as const
  const block = { name: `${name}, mounted`, code: mounted, changes, broken: 'error page' as const }
  suite(block)
  beforeRules(block, 'const app = express()')
  suite({ name: `${name}, through protect`, code: through, changes, broken: 'nothing' })
}
