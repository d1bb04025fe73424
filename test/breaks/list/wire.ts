import type { Break } from '../break.ts'

const http1 = ['wire/http1.test.ts']
const http2 = ['wire/http2.test.ts']

export const wire: readonly Break[] = [
  {
    name: 'one byte is written before the close',
    file: 'wire/http1.ts',
    find: 'else socket.destroy()\n  if (res)',
    replace: "else socket.end('x')\n  if (res)",
    tests: http1,
  },
  {
    name: 'an earlier, pipelined response is not waited for',
    file: 'wire/http1.ts',
    find: 'if (isPending(res)) {',
    replace: 'if (res && res.req === undefined) {',
    tests: http1,
  },
  {
    name: 'a client that uploads loses the earlier response',
    file: 'wire/http1.ts',
    find: 'if (req.complete && !socket.isPaused()) {',
    replace: 'if (req) {',
    tests: http1,
  },
  {
    name: 'requests behind a dropped one run',
    file: 'wire/http1.ts',
    find: '  markClosing(req)\n',
    replace: '  void markClosing\n',
    tests: http1,
  },
  {
    name: 'reset: true sends FIN',
    file: 'wire/raw-socket.ts',
    find: '  tcp.resetAndDestroy()\n',
    replace: '  tcp.destroy()\n',
    tests: http1,
  },
  {
    name: 'reset: true sends FIN under TLS',
    file: 'wire/raw-socket.ts',
    find: '(socket as Socket & { _parent?: Socket })._parent',
    replace: 'undefined',
    tests: http1,
  },
  {
    name: 'HTTP/2: HEADERS for a dropped stream',
    file: 'wire/mark-status.ts',
    find: 'res.statusCode = 444\n',
    replace: 'res.writeHead(444)\n',
    tests: http2,
  },
  {
    name: 'HTTP/2: GOAWAY, but the connection stays',
    file: 'wire/http2.ts',
    find: 'setImmediate(() => session.destroyed || session.close())',
    replace: 'setImmediate(() => {})',
    tests: http2,
  },
  {
    name: 'HTTP/2: the connection ends before the streams in flight',
    file: 'wire/http2.ts',
    find: 'setImmediate(() => session.destroyed || session.close())',
    replace: 'setImmediate(() => session.destroy())',
    tests: http2,
  },
  {
    name: 'HTTP/2: destroy sends frames',
    file: 'wire/http2.ts',
    find: "  socket.destroy()\n  return 'close'",
    replace: "  session.destroy()\n  return 'close'",
    tests: http2,
  },
  {
    name: 'loggers of responses do not see 444',
    file: 'wire/mark-status.ts',
    find: '      res.writeHead(444)\n',
    replace: '',
    tests: ['wire/response-loggers.test.ts'],
  },
  {
    name: 'a trusted proxy is not told, but closed',
    file: 'drop.ts',
    find: 'const proxy = behindProxy &&',
    replace: 'const proxy = behindProxy && res === undefined &&',
    tests: ['wire/hand-off.test.ts'],
  },
  {
    name: 'headers of other middleware go to the proxy with the 444',
    file: 'wire/hand-off.ts',
    find: 'for (const name of res.getHeaderNames()) res.removeHeader(name)',
    replace: '{}',
    tests: ['wire/hand-off.test.ts'],
  },
  {
    name: 'one byte is written before the close, and the demo shows it',
    file: 'wire/http1.ts',
    find: 'else socket.destroy()\n  if (res)',
    replace: "else socket.end('x')\n  if (res)",
    tests: ['demo.test.ts'],
  },
  {
    name: 'one rule closes in another way than the others',
    file: 'common-options.ts',
    find: 'reset: checked.reset ?? false,',
    replace: "reset: checked.reset ?? defaults.name === 'pathAllowlist',",
    tests: ['all-drops-look-alike.test.ts'],
  },
]
