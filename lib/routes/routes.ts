import type { Request } from '../request/http-types.ts'
import { sharedKey } from '../runtime/copies.ts'

/** The routes of an app, of `knownRoutes` or `djangoRoutes`: give them to `pathAllowlist` alone, in its list, or spread in it. */
export interface Routes extends Iterable<Routes> {
  /**
   * Whether the app has a route for this request, as the app itself reads it.
   *
   * @internal
   */
  has(req: Request): boolean
}

const kRoutes: unique symbol = /* @__PURE__ */ sharedKey('routes') as never

class RouteSet implements Routes {
  declare readonly [kRoutes]: true
  readonly has: (req: Request) => boolean

  constructor(has: (req: Request) => boolean) {
    this[kRoutes] = true
    this.has = has
  }

  *[Symbol.iterator](): Iterator<Routes> {
    yield this
  }
}

export const makeRoutes = (has: (req: Request) => boolean): Routes => new RouteSet(has)

export const isRoutes = (value: unknown): value is Routes =>
  typeof value === 'object' && value !== null && kRoutes in value
