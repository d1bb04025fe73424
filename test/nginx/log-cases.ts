/** Requests whose log line nginx and drop444 must write alike, as the bytes that are sent (a character a byte). */
export interface LogCase {
  readonly name: string
  readonly bytes: string
  /** Node's parser takes it only with `insecureHTTPParser`. */
  readonly lenient?: boolean
  /** More is sent than is read: the kernel resets the connection. */
  readonly unread?: boolean
}

type Fields = Record<string, string | undefined>

export function request(line: string, fields: Fields = {}, body = ''): string {
  const all: Fields = { Host: 'localhost', 'User-Agent': 'probe/1.0', ...fields }
  const given = Object.entries(all).filter(([, value]) => value !== undefined)
  return `${line}\r\n${given.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')
export const bytes = (from: number, to: number) =>
  String.fromCharCode(...Array.from({ length: to - from + 1 }, (_, i) => from + i))

const lines: readonly [string, string][] = [
  ['plain', 'GET / HTTP/1.1'],
  ['query', 'GET /search?q=a%20b&c=%C3%A9#frag HTTP/1.1'],
  ['quotes in the target', 'GET /"quoted"\'single\' HTTP/1.1'],
  ['backslash in the target', 'GET /a\\x22\\b HTTP/1.1'],
  ['brackets in the target', 'GET /[x]{y}|^`<> HTTP/1.1'],
  ['long target', `GET /${'a'.repeat(4_000)}?${'b'.repeat(3_000)} HTTP/1.1`],
  ['absolute-form target', 'GET http://other.example:8080/x?y HTTP/1.1'],
  ['absolute-form target, upper case', 'GET HTTP://Other.Example/x HTTP/1.1'],
  ['dot segments', 'GET /a/../b/./c//d HTTP/1.1'],
  ['HTTP/1.0', 'GET /old HTTP/1.0'],
  ['HEAD', 'HEAD /head HTTP/1.1'],
  ['OPTIONS', 'OPTIONS /options HTTP/1.1'],
  ['DELETE', 'DELETE /it HTTP/1.1'],
  ['PROPFIND', 'PROPFIND /dav HTTP/1.1'],
  ['M-SEARCH', 'M-SEARCH /ssdp HTTP/1.1'],
]

const fields: readonly [string, Fields][] = [
  ['no User-Agent', { 'User-Agent': undefined }],
  ['empty User-Agent', { 'User-Agent': '' }],
  ['User-Agent of blanks', { 'User-Agent': '   ' }],
  ['a hyphen as User-Agent', { 'User-Agent': '-' }],
  ['empty Referer', { Referer: '' }],
  ['a Referer', { Referer: 'https://example.com/a?b=c' }],
  ['quotes', { Referer: '"a" \'b\'', 'User-Agent': 'x" 200 0 "y' }],
  ['backslashes', { Referer: '\\x22\\', 'User-Agent': 'C:\\dir\\n' }],
  ['tabs', { Referer: 'a\tb', 'User-Agent': 'x\t\ty' }],
  ['bytes from 0x80', { Referer: bytes(0x80, 0xbf), 'User-Agent': bytes(0xc0, 0xff) }],
  ['every plain byte', { 'User-Agent': bytes(0x21, 0x7e) }],
  ['blanks around a value', { 'User-Agent': '   padded  ' }],
  ['a field name in upper case', { 'User-Agent': undefined, 'USER-AGENT': 'loud' }],
  ['a second User-Agent', { 'user-agent': 'second', Referer: 'first', referer: 'second' }],
]

/** What stands behind `Authorization:`. */
const credentials: readonly [string, string][] = [
  ['user and password', `Basic ${base64('alice:secret')}`],
  ['an empty password', `Basic ${base64('alice:')}`],
  ['two colons', `Basic ${base64('alice:a:b')}`],
  ['no colon', `Basic ${base64('alice')}`],
  ['an empty user', `Basic ${base64(':secret')}`],
  ['nothing', 'Basic'],
  ['nothing but a blank', 'Basic '],
  ['bytes that are no base64', 'Basic !!!!'],
  ['base64 with something behind', `Basic ${base64('bob:xyz')}!`],
  ['base64 with something in it', 'Basic YTpi!YTpi'],
  ['a blank in the base64', 'Basic YWxp Y2U6eA=='],
  ['base64url', 'Basic _-_-OnggeA'],
  ['no padding', `Basic ${base64('alice:secretz').replace(/=+$/, '')}`],
  ['too much padding', 'Basic YTpi===='],
  ['text behind the padding', 'Basic YTo=!!junk'],
  ['padding alone', 'Basic ===='],
  ['one character too many', 'Basic YTpiY'],
  ['two characters, half a byte over', 'Basic YTpiYz'],
  ['the scheme in lower case', `basic ${base64('carol:x')}`],
  ['the scheme in upper case', `BASIC ${base64('carol:x')}`],
  ['several blanks', `Basic    ${base64('dave:x')}`],
  ['a tab instead of a blank', `Basic\t${base64('dave:x')}`],
  ['another scheme', 'Bearer YTpi'],
  ['a scheme that only starts alike', 'Basically YTpi'],
  ['quotes in the user', `Basic ${base64('a"b\\c d:x')}`],
  ['bytes from 0x7f in the user', `Basic ${base64('\x7f\x80\xff\xc3\xa9:x')}`],
  ['control bytes in the user', `Basic ${base64(`${bytes(0x01, 0x1f)}:x`)}`],
  ['NUL in the user', `Basic ${base64('a\0b:x')}`],
  ['a line break in the user', `Basic ${base64('a\r\n127.0.0.1 - - [:x')}`],
]

const controls = bytes(0x01, 0x09) + bytes(0x0b, 0x0c) + bytes(0x0e, 0x1f)

export const logCases: readonly LogCase[] = [
  ...lines.map(([name, line]) => ({ name, bytes: request(line) })),
  ...fields.map(([name, given]) => ({ name, bytes: request('GET /f HTTP/1.1', given) })),
  ...credentials.map(([name, value]) => ({
    name: `credentials: ${name}`,
    bytes: request('GET /auth HTTP/1.1', { Authorization: value }),
  })),
  { name: 'HTTP/0.9', bytes: 'GET /x\r\n\r\n' },
  {
    name: 'an upgrade that nobody takes',
    bytes: request('GET /ws HTTP/1.1', { Connection: 'upgrade', Upgrade: 'websocket' }),
  },
  {
    name: 'a chunked body',
    bytes: request('POST /c HTTP/1.1', { 'Transfer-Encoding': 'chunked' }, '3\r\na=b\r\n0\r\n\r\n'),
  },
  { name: 'two requests in one segment', bytes: request('GET /1 HTTP/1.1') + request('GET /2 HTTP/1.1') },
  { name: 'garbage behind the request', bytes: `${request('GET /1 HTTP/1.1')}\0\x01garbage\r\n` },
  { name: 'no field but Host', bytes: 'GET /bare HTTP/1.1\r\nHost: localhost\r\n\r\n' },
  { name: 'HTTP/1.0 without a field', bytes: 'GET /bare HTTP/1.0\r\n\r\n' },
  { name: 'empty lines before the request', bytes: `\r\n\r\n${request('GET /late HTTP/1.1')}` },
  { name: 'bare line feeds', bytes: request('GET /lf HTTP/1.1').replaceAll('\r\n', '\n'), lenient: true },
  { name: 'POST, read whole', bytes: request('POST /form HTTP/1.1', { 'Content-Length': '3' }, 'a=b') },
  {
    name: 'POST, unread',
    bytes: request('POST /big HTTP/1.1', { 'Content-Length': '900000' }, 'x'.repeat(900_000)),
    unread: true,
  },
  {
    name: 'control bytes in field values',
    bytes: request('GET /ctl HTTP/1.1', { Referer: `a${controls}b`, 'User-Agent': 'x\x7fy\x1b[31mz' }),
    lenient: true,
  },
]
