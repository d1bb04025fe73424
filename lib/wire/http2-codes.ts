/** Error codes of RFC 9113 7: `node:http2`, which has names for them, takes long to load. */
export const NO_ERROR = 0
export const CANCEL = 8
