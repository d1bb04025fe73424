/** Error codes of RFC 9113 7. Not taken from `node:http2`, which takes long to load. */
export const NO_ERROR = 0
export const CANCEL = 8
