import { themes } from './corpus/load.ts'
import { compareWithBare } from './dry-run-corpus.ts'

compareWithBare(themes, ['http', 'https', 'http2-h1', 'http2', 'h2c'])
