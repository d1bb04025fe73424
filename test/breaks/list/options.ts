import type { Break } from '../break.ts'

export const options: readonly Break[] = [
  {
    name: 'an unknown option is ignored',
    file: 'options.ts',
    find: '    if (!check) {\n',
    replace: '    if (!check && option !== undefined) continue\n    if (!check) {\n',
    tests: ['options.test.ts'],
  },
  {
    name: 'app.use(noHost), not called, is not noticed',
    file: 'options.ts',
    find: "'headers' in first",
    replace: "!('headers' in first)",
    tests: ['options.test.ts'],
  },
]
