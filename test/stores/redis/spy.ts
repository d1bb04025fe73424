import type { SendCommand } from '../../../lib/redis.ts'

/** What went over a client. */
export interface Spy {
  readonly sendCommand: SendCommand
  /** Each command, as it was sent. */
  readonly sent: string[][]
  /** Redis's time, in milliseconds, of each decision of the limits' script. */
  readonly times: number[]
  /** Those of the times at which something was rejected. */
  readonly rejections: number[]
  /** The names of the commands sent since this was last asked. */
  names(): string[]
}

/** Notes what is sent, and what time the replies say. */
export function spyOn(send: SendCommand): Spy {
  const sent: string[][] = []
  const times: number[] = []
  const rejections: number[] = []
  let told = 0
  return {
    sent,
    times,
    rejections,
    async sendCommand(...command) {
      sent.push(command)
      const reply = await send(...command)
      if (!Array.isArray(reply)) return reply
      times.push(reply[0])
      if (reply.some(value => value < 0)) rejections.push(reply[0])
      return reply
    },
    names() {
      const names = sent.slice(told).map(([name = '']) => name)
      told = sent.length
      return names
    },
  }
}
