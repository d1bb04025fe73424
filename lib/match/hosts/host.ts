import { parseAddress } from '../addresses/address.ts'

/** A Host in nginx's normal form: lower case, without its port and one trailing dot. */
export interface Host {
  readonly name: string
  /** An address instead of a name: `192.0.2.1`, `[2001:db8::1]`, and the forms only `inet_aton` reads (`127.1`, `0x7f.1`). */
  readonly isAddress: boolean
}

const shape = /^([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_-])?|\[[^\]]*\])(\.?)(?::(\d{0,5}))?$/

/** WHATWG URL, "ends in a number": a client resolves such a name as an IPv4 address. */
const endsInNumber = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/

/** The longest name that DNS has (RFC 1035 2.3.4: 255 octets, of which the form in text lacks two). */
const LONGEST_NAME = 253
/** With a dot and a port behind it. */
const LONGEST_HOST = LONGEST_NAME + '.:65535'.length

const isDigit = (code: number) => code >= 48 && code <= 57
/** `a` to `z`, a digit, or `_`. */
const isNameStart = (code: number) => (code >= 97 && code <= 122) || isDigit(code) || code === 95

/** Whether a Host is in normal form already, and no address: as nearly every client sends it. */
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
 * The Host of `text` (RFC 9110 7.2: `uri-host [ ":" port ]`), or undefined where it is none. No name is longer than DNS has
 * it, which also bounds what is asked about each.
 */
export function parseHost(text: string): Host | undefined {
  if (text.length > LONGEST_HOST) return undefined
  if (text.length <= LONGEST_NAME && isPlainName(text)) return { name: text, isAddress: false }
  if (text !== last.text) last = { text, host: readHost(text) }
  return last.host
}

/** A request asks several times, and the next one of a pipeline mostly for the same. */
let last: { readonly text: string; readonly host: Host | undefined } = { text: '', host: undefined }

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

/** What an absolute-form target names (RFC 9112 3.2.2). */
export interface AbsoluteTarget {
  readonly scheme: string
  readonly authority: string
}

/** Reads an absolute-form target; undefined for any other form. */
export function absoluteTarget(target: string): AbsoluteTarget | undefined {
  if (target.charCodeAt(0) === 47) return undefined
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(target) ?? []
  return scheme === undefined ? undefined : { scheme, authority: authority as string }
}

/** Whether a scheme is HTTP's: no other is served here, and RFC 6455 3 has WebSocket clients send none in a target. */
export const isHttpScheme = (scheme: string): boolean => /^https?$/i.test(scheme)
