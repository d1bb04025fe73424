/** An Express app, as far as its settings are read. */
export interface AppSettings {
  readonly get?: (setting: string) => unknown
}

/** The function that Express 4 and 5 compile from the setting `trust proxy`. */
export const trustSetting = (app: AppSettings): unknown => app.get?.('trust proxy fn')

/** Whether `trust proxy` is `true`. */
export const trustsAll = (app: AppSettings): boolean => app.get?.('trust proxy') === true
