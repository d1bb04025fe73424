import type { Break } from '../break.ts'

const http1 = ['wire/http1.test.ts']

export const events: readonly Break[] = [
  {
    name: 'a drop behind an answer publishes again',
    file: 'drop.ts',
    find: '  if (state.eventPublished) return\n',
    replace: '',
    tests: ['wire/order.test.ts'],
  },
  {
    name: 'a second drop ends the connection of a proxy that was told',
    file: 'drop.ts',
    find: '  if (state.dropped) return\n',
    replace: '',
    tests: ['wire/hand-off.test.ts'],
  },
  {
    name: 'every drop publishes twice',
    file: 'events/publish.ts',
    find: 'if (hasWatchers()) notifyWatchers(watcher => watcher.onRequest(verdict, req))',
    replace: 'dropChannel.publish(makeEvent(factsOf(req), verdict, client, peer))',
    tests: http1,
  },
  {
    name: 'events can be changed by a subscriber',
    file: 'events/drop-event.ts',
    find: 'return Object.freeze({',
    replace: 'return ({',
    tests: http1,
  },
  {
    name: 'what a listener throws ends the process',
    file: 'diagnostics/guard-channel.ts',
    find: '      } catch (error) {\n        fail(error)',
    replace: '      } catch (error) {\n        throw error',
    tests: ['log/events.test.ts'],
  },
  {
    name: 'the event shows the URL as a router cut it',
    file: 'request/request-facts.ts',
    find: 'framework(req).originalUrl ?? (req.url ||',
    replace: '(req.url ||',
    tests: ['rule.test.ts'],
  },
  {
    name: 'a dry run is written where fail2ban reads',
    file: 'log/log-formats.ts',
    find: "return format === 'rule' || format === 'combined'",
    replace: "return format === 'combined'",
    tests: ['log/drop-log.test.ts'],
  },
  {
    name: 'bytes are escaped in lower case',
    file: 'log/log-formats.ts',
    find: '0123456789ABCDEF',
    replace: '0123456789abcdef',
    tests: ['log/drop-log.test.ts'],
  },
  {
    name: 'a missing header is written as an empty one',
    file: 'log/log-formats.ts',
    find: "value === undefined ? '-' :",
    replace: "value === undefined ? '' :",
    tests: ['log/drop-log.test.ts'],
  },
  {
    name: 'lost lines are not counted',
    file: 'log/stream-sink.ts',
    find: '    this.lost++\n',
    replace: '',
    tests: ['log/drop-log.test.ts'],
  },
  {
    name: 'what a slow stream has not taken grows without bound',
    file: 'log/stream-sink.ts',
    find: 'this.#stream.writableLength < this.#maxBuffer',
    replace: 'this.#stream.writableLength >= 0',
    tests: ['log/drop-log.test.ts'],
  },
]
