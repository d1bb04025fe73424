/** The sub-path `drop444/django`: the routes of a Django project, for `pathAllowlist`. */

export {
  type DjangoExport,
  type DjangoPattern,
  type DjangoRoute,
  type DjangoRoutesOptions,
  djangoRoutes,
} from './routes/django/django-routes.ts'
export type { Routes } from './routes/routes.ts'
