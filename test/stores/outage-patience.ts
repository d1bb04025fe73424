import { monitorEventLoopDelay } from 'node:perf_hooks'

/**
 * Watches how busy this process is: visitors and servers share it, and other tests the machine.
 *
 * @returns what ends that, and says how many milliseconds somebody may have waited beyond a timeout
 */
export function watchPatience(): () => number {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  return () => {
    delay.disable()
    return 400 + (5 * delay.max) / 1e6
  }
}
