/* Prints the table of docs/worst-inputs.md: `node --import tsx test/worst-inputs/write.ts` */
import { onDrop } from '../../lib/index.ts'
import { rows } from './rows.ts'
import { lineOf, measure } from './table.ts'

onDrop(() => {})
for (const row of rows) console.log(lineOf(await measure(row)))
