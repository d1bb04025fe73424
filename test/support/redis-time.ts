import type { SendCommand } from '../../lib/redis.ts'

/** By how much Redis's clock differs from the one of this machine, in milliseconds. */
export interface TimeShift {
  by: number
}

/**
 * A client of a Redis whose clock is set: the scripts run there as they are, but for what `TIME` says. One that is evaluated is
 * asked for whole each time, as after a failover.
 */
export function withTime(send: SendCommand, shift: TimeShift): SendCommand {
  return async (...command) => {
    const [name, source = '', ...rest] = command
    if (name === 'EVALSHA') throw new Error('NOSCRIPT No matching script')
    if (name !== 'EVAL') return send(...command)
    const us = Math.round((Date.now() + shift.by) * 1000)
    const time = `{'${Math.floor(us / 1e6)}', '${us % 1e6}'}`
    return send('EVAL', source.replaceAll("redis.call('TIME')", time), ...rest)
  }
}
