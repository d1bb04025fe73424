import { beforeRules } from './before.ts'
import { blocksOf } from './recipe.ts'
import { suite } from './suite.ts'

const [mounted = '', through = ''] = blocksOf('connect')

const block = { name: 'Connect, mounted', code: mounted, broken: 'error page' as const }
suite(block)
beforeRules(block, 'const app = connect()')
suite({ name: 'Connect, through protect', code: through, broken: 'nothing' })
