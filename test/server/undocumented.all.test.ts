import { fields, serveUnixSocket, serveWithout, ways } from './undocumented.ts'

serveWithout('', 'whole')
for (const field of fields) for (const how of ways(field)) serveWithout(field, how)
serveUnixSocket()
