import { haproxyAsRoot, haproxyDeny } from '../support/proxies/haproxy.ts'
import { controlCharacter, createTests } from './suite.ts'

for (const kind of [haproxyDeny, haproxyAsRoot])
  if (kind) createTests(kind, { 'a control character in a field': controlCharacter })
