/** Milliseconds of CPU that a piece of work takes: on a busy machine about as many as on a quiet one. */
export function cpuTime(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}
