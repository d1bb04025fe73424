/** Express 4 from npm under another name: for the tests it is an app like any other. */
declare module 'express4' {
  import type { Express } from 'express'

  const express4: () => Express
  export default express4
}
