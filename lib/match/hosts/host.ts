import { parseAddress } from '../addresses/address.ts'

/** A Host in nginx's normal form: lower case, without its port and one trailing dot. */
export interface Host {
  readonly name: string
  /** The host is an address: `192.0.2.1`, `[2001:db8::1]`, or a form that only `inet_aton` reads (`127.1`, `0x7f.1`). */
  readonly isAddress: boolean
}

const shape = /^([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_-])?|\[[^\]]*\])(\.?)(?::(\d{0,5}))?$/

/** WHATWG URL, "ends in a number": a client resolves such a name as an IPv4 address. */
const endsInNumber = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/

/** The longest DNS name. RFC 1035 2.3.4 allows 255 octets; the text form has two fewer. */
const LONGEST_NAME = 253
/** The longest name with a trailing dot and a port. */
const LONGEST_HOST = LONGEST_NAME + '.:65535'.length

const isDigit = (code: number) => code >= 48 && code <= 57
/** `a` to `z`, a digit, or `_`. */
const isNameStart = (code: number) => (code >= 97 && code <= 122) || isDigit(code) || code === 95

/** Whether a Host is already a name in normal form, as nearly every client sends it, and no address. */
function isPlainName(text: string): boolean {
  let before = 46
  let label = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46) {
      if (before === 46) return false
      label = i + 1
    } else if (!isNameStart(code) && (code !== 45 || i === 0)) return false
    before = code
  }
  return before !== 46 && !isDigit(text.charCodeAt(label))
}

/**
 * Parses a Host (RFC 9110 7.2: `uri-host [ ":" port ]`); undefined if it is none. A name longer than DNS allows is none,
 * which also bounds the time that matching a host takes.
 */
export function parseHost(text: string): Host | undefined {
  if (text.length > LONGEST_HOST) return undefined
  if (text.length <= LONGEST_NAME && isPlainName(text)) return { name: text, isAddress: false }
  if (text !== lastParsed.text) lastParsed = { text, host: readHost(text) }
  return lastParsed.host
}

/** The last Host parsed: one request is parsed several times, and the next one of a connection mostly has the same Host. */
let lastParsed: { readonly text: string; readonly host: Host | undefined } = { text: '', host: undefined }

function readHost(text: string): Host | undefined {
  const match = shape.exec(text.toLowerCase())
  if (!match) return undefined
  const [, name = '', dot, port] = match
  if (name.length > LONGEST_NAME || name.includes('..') || Number(port || 0) > 65535) return undefined
  if (name.startsWith('[')) {
    return !dot && name.includes(':') && !name.includes('%') && parseAddress(name.slice(1, -1))
      ? { name, isAddress: true }
      : undefined
  }
  return { name, isAddress: endsInNumber.test(name) }
}

/** The scheme and authority of an absolute-form target (RFC 9112 3.2.2). */
export interface AbsoluteTarget {
  readonly scheme: string
  readonly authority: string
}

/** Parses an absolute-form target; undefined for any other form. */
export function absoluteTarget(target: string): AbsoluteTarget | undefined {
  if (target.charCodeAt(0) === 47) return undefined
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(target) ?? []
  return scheme === undefined ? undefined : { scheme, authority: authority as string }
}

/** Whether a scheme is `http` or `https`. No other is served here; WebSocket clients send no scheme in a target (RFC 6455 3). */
export const isHttpScheme = (scheme: string): boolean => /^https?$/i.test(scheme)
