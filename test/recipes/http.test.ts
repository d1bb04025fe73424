import { blocksOf } from './recipe.ts'
import { suite } from './suite.ts'

const [mounted = '', through = ''] = blocksOf('http')

suite({ name: 'http, mounted', code: mounted, broken: 'error page' })
suite({ name: 'http, through protect', code: through, broken: 'nothing' })
