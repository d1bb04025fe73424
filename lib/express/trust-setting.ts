/** An Express app, as far as its settings are read. */
export interface AppSettings {
  readonly get?: (setting: string) => unknown
}

/** Whether a listener of a server's requests is an app that has settings. */
export const hasSettings = (listener: unknown): listener is AppSettings =>
  typeof (listener as { set?: unknown }).set === 'function' &&
  typeof (listener as AppSettings).get === 'function'

/** The function that Express 4 and 5 compile from the setting `trust proxy`. */
export const trustSetting = (app: AppSettings): unknown => app.get?.('trust proxy fn')

/** Whether `trust proxy` is `true`. */
export const trustsAll = (app: AppSettings): boolean => app.get?.('trust proxy') === true
