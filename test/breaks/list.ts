import type { Break } from './break.ts'
import { addresses } from './list/addresses.ts'
import { agents } from './list/agents.ts'
import { bounds } from './list/bounds.ts'
import { callbacks } from './list/callbacks.ts'
import { contexts } from './list/contexts.ts'
import { copies } from './list/copies.ts'
import { events } from './list/events.ts'
import { limits } from './list/limits.ts'
import { logs } from './list/logs.ts'
import { offenders } from './list/offenders.ts'
import { options } from './list/options.ts'
import { outages } from './list/outages.ts'
import { paths } from './list/paths.ts'
import { redis } from './list/redis.ts'
import { routes } from './list/routes.ts'
import { rules } from './list/rules.ts'
import { server } from './list/server.ts'
import { shedding } from './list/shedding.ts'
import { wire } from './list/wire.ts'

/** Every break that the tests have to notice. */
export const breaks: readonly Break[] = [
  ...wire,
  ...events,
  ...rules,
  ...addresses,
  ...agents,
  ...bounds,
  ...callbacks,
  ...contexts,
  ...copies,
  ...paths,
  ...redis,
  ...routes,
  ...limits,
  ...logs,
  ...offenders,
  ...options,
  ...outages,
  ...server,
  ...shedding,
]
