import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { dropLog } from '../../lib/index.ts'

/** What `dropLog` writes in nginx's format, a character a byte. */
export function combinedLog(): { take(): string[]; stop(): void } {
  let text = ''
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString('latin1')
      done()
    },
  })
  const stop = dropLog(stream, { format: 'combined' })
  /** The lines since the last call. */
  function take(): string[] {
    const lines = text.split('\n')
    text = lines.pop() as string
    return lines
  }
  return { take, stop }
}

const time = / \[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\] /

/** The line with its time, which must have nginx's shape, left out. */
export function withoutTime(line: string): string {
  assert.match(line, time)
  return line.replace(time, ' [time] ')
}

/** The time of a line, in seconds since the epoch, and its zone as it is written. */
export function timeOf(line: string): { second: number; zone: string } {
  const [, day, month, year, clock, zone = ''] = time.exec(line) ?? assert.fail(`no time in ${line}`)
  return { second: Date.parse(`${day} ${month} ${year} ${clock} ${zone}`) / 1000, zone }
}
