import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { settle } from '../support/events.ts'
import { type Redis, type RedisOptions, startRedis } from '../support/redis.ts'

/** Something that happens to a redis-server, and how it is put right. */
export interface Fault {
  readonly name: string
  readonly args?: readonly string[]
  /** Whether what was counted before is there afterwards. */
  readonly keepsData: boolean
  /** But for the last requests. */
  readonly mayLose?: boolean
  /** What nobody waits for any longer may well be counted: only the answer is late. */
  readonly isHeard?: boolean
  /** It need not be noticed by anybody. */
  readonly isBrief?: boolean
  /** Before the client connects. */
  readonly isFirst?: boolean
  strike(redis: Redis): void | Promise<void>
  /** With how it was started; returns the server that runs then, where it is another. */
  heal(redis: Redis, options: RedisOptions): undefined | Promise<Redis>
}

/** Does not block this process, as `cli` does. */
async function later(redis: Redis, ...args: string[]): Promise<void> {
  const child = spawn('redis-cli', ['-p', String(redis.port), ...args], { stdio: 'ignore' })
  await once(child, 'spawn')
  await settle(100)
}

const kill = (redis: Redis) => redis.signal('SIGKILL')
const restart = (_: Redis, options: RedisOptions) => startRedis(options)
const debug = ['--enable-debug-command', 'yes']

export const faults: readonly Fault[] = [
  { name: 'kill -9', keepsData: false, strike: kill, heal: restart },
  {
    name: 'a shutdown that saves',
    keepsData: true,
    strike: redis => void redis.cli('SHUTDOWN', 'SAVE'),
    heal: restart,
  },
  {
    name: 'a freeze',
    keepsData: true,
    strike: redis => redis.signal('SIGSTOP'),
    heal: redis => void redis.signal('SIGCONT'),
  },
  {
    name: 'a command that takes seconds',
    args: debug,
    keepsData: true,
    strike: redis => later(redis, 'DEBUG', 'SLEEP', '1.7'),
    heal: () => undefined,
  },
  {
    name: 'a demotion to a replica',
    keepsData: true,
    strike: redis => void redis.cli('REPLICAOF', '127.0.0.1', '1'),
    heal: redis => void redis.cli('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'no memory left',
    keepsData: true,
    strike: redis => void redis.cli('CONFIG', 'SET', 'maxmemory', '1'),
    heal: redis => void redis.cli('CONFIG', 'SET', 'maxmemory', '0'),
  },
  {
    name: 'a slow start',
    // It answers meanwhile, that it is loading.
    args: [...debug, '--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'],
    keepsData: true,
    strike(redis) {
      redis.cli('DEBUG', 'POPULATE', '800', 'other', '100')
      redis.cli('SAVE')
      kill(redis)
    },
    heal: restart,
  },
  {
    name: 'connections that are cut',
    keepsData: true,
    isBrief: true,
    strike: redis => void redis.cli('CLIENT', 'KILL', 'TYPE', 'normal'),
    heal: () => undefined,
  },
  { name: 'nobody there at the start', keepsData: false, isFirst: true, strike: kill, heal: restart },
]

/** The fault of this name. */
export const fault = (name: string): Fault => faults.find(each => each.name === name) as Fault
