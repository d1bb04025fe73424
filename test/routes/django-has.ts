import type { Request } from '../../lib/request/http-types.ts'
import type { Routes } from '../../lib/routes/routes.ts'

/** Asks routes about a request target. */
export const hasPath = (routes: Routes) => (url: string) => routes.has({ url } as Request)
