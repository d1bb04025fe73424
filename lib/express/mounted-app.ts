import { AsyncResource } from 'node:async_hooks'

type Handle = (...args: unknown[]) => unknown

/** The context in which Express is asked for a sub-app: no request's, so that tracing makes no span. */
const nobody = /* @__PURE__ */ new AsyncResource('drop444')

/** The source of the closure that `app.use('/path', subApp)` of Express 4 and 5 makes, its variables renamed by a bundler or not. */
const source =
  /^function \w*\s*\((\w+), ?(\w+), ?(\w+)\)\s*\{\s*(?:var|let|const) (\w+) ?= ?\1\.app[;,]?\s*[\w$]+\.handle\(\1, ?\2, ?(?:function|\()/

/** Stands for an app of Express 4 that has no router yet: which one can't be found out, but there is nothing in it. */
const empty = {}

const closures = new WeakMap<Handle, boolean>()
const apps = new WeakMap<Handle, object>()

/** Whether a handler is that closure. A handler of the user's that only has its name must not be called. */
function isMountedApp(handle: Handle): boolean {
  if (handle.name !== 'mounted_app') return false
  let isClosure = closures.get(handle)
  if (isClosure === undefined) {
    isClosure = source.test(Function.prototype.toString.call(handle))
    closures.set(handle, isClosure)
  }
  return isClosure
}

/**
 * The app behind `app.use('/path', subApp)`, which Express hides in a closure; undefined for any other handler. The closure
 * first sets the sub-app's prototypes on request and response, then reads `res.locals`. That getter ends the call, before any
 * code of the user's is run.
 */
export function mountedApp(handle: Handle): object | undefined {
  if (!isMountedApp(handle)) return undefined
  let app = apps.get(handle)
  if (app) return app
  app = nobody.runInAsyncScope(findApp, undefined, handle)
  if (app && app !== empty) apps.set(handle, app)
  return app
}

function findApp(handle: Handle): object | undefined {
  // `query` keeps Express 4 from parsing; `app` is what the closure gives back to the parent; tracing reads the others.
  const req = {
    method: 'GET',
    url: '/' as string | undefined,
    originalUrl: '/',
    headers: {},
    query: {},
    app: { request: {}, response: {} },
    next: undefined,
  }
  let app: object | undefined
  const res = {
    setHeader() {},
    get locals() {
      app ??= Object.getPrototypeOf(req).app
      req.url = undefined
      // Express 4 asks its next layer for a path, and there is none. Express 5 would make its router now, by the settings of
      // this moment. It lets what is thrown out; no error handler sees it ('router' is "leave this router").
      if (req.next === undefined) throw 'router'
      return {}
    },
    set locals(_given) {},
  }
  try {
    handle(req, res, () => {
      app ??= empty
    })
  } catch {
    // The 'router' that the getter threw.
  }
  return app
}
