import { register } from 'node:module'

// Has tests import the oldest Express of each major version: `node --import ./test/support/oldest-express.mjs`.
const hooks = `const from = ${JSON.stringify(new URL('../package/oldest-express/package.json', import.meta.url).href)}
  export const resolve = (name, context, next) =>
    next(name, name === 'express' || name === 'express4' ? { ...context, parentURL: from } : context)`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
