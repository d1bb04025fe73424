/** What may be an offence: a request, or a connection that brought none. */
export interface Occasion {
  /** The offenders among whom it was counted: it is one offence, however often it fails. */
  countedBy: object[] | undefined
}
