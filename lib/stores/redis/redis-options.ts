import { OptionsError, refuse } from '../../options/options-error.ts'
import { type Check, fn, integer, oneOf, readOptions } from '../../options/read-options.ts'
import type { OnStoreError } from '../rate-limit-store.ts'
import type { Send } from './script.ts'

/** Sends one command over the client that the app has, and returns its reply. */
export type SendCommand = (...command: string[]) => PromiseLike<unknown>

/** As {@link SendCommand}, for clients that have to be told which node of a Cluster a command is for. */
export type SendCommandCluster = (details: {
  /** A key that the command works on. */
  key: string
  /** The command may go to a replica. */
  isReadOnly: boolean
  /** The command and its arguments. */
  command: string[]
}) => PromiseLike<unknown>

/** Options of {@link redisStore}: `sendCommand` or `sendCommandCluster`, the same as rate-limit-redis takes. */
export interface RedisStoreOptions {
  /**
   * node-redis: `(...args) => client.sendCommand(args)`. ioredis and iovalkey, Cluster and Sentinel too:
   * `(command, ...args) => client.call(command, ...args)`. valkey-glide: `(...args) => client.customCommand(args)`.
   *
   * A client that sends again what a cut connection left unanswered has it counted twice: ioredis and iovalkey want
   * `autoResendUnfulfilledCommands: false`, their `Cluster` `retryDelayOnFailover: 0`, node-redis's `createSentinel`
   * `maxCommandRediscovers: 0` (docs/redis.md, "A connection that is cut").
   */
  sendCommand?: SendCommand | undefined
  /** node-redis's cluster: `({ key, isReadOnly, command }) => cluster.sendCommand(key, isReadOnly, command)`. */
  sendCommandCluster?: SendCommandCluster | undefined
  /** What each key begins with: at most 64 characters, no braces. Default `'drop444:'`. */
  prefix?: string | undefined
  /** How long a decision may take, in milliseconds, 1 to 60,000, if `rateLimit` does not say. Default 50. */
  timeout?: number | undefined
  /** What is done while Redis does not answer, if `rateLimit` does not say. Default `'memory'`. */
  onStoreError?: OnStoreError | undefined
}

const prefix: Check<string> = (value, fail) =>
  typeof value === 'string' && /^[^{}]{0,64}$/s.test(value)
    ? value
    : fail('a string of at most 64 characters without { and }')

const checks = () =>
  ({
    sendCommand: fn<SendCommand>(),
    sendCommandCluster: fn<SendCommandCluster>(),
    prefix,
    timeout: integer(1, 60_000),
    onStoreError: oneOf<OnStoreError>('memory', 'pass', 'drop'),
  }) satisfies Record<keyof RedisStoreOptions, Check<unknown>>

/** The options, checked; the two ways to send are one. */
export function readRedisOptions(options: unknown) {
  const { prefix = 'drop444:', ...checked } = readOptions('redisStore', options, checks())
  const { sendCommand, sendCommandCluster, timeout, onStoreError } = checked
  if (sendCommand && sendCommandCluster) {
    throw new OptionsError(
      'DROP444_INVALID_OPTION',
      'redisStore: "sendCommand" and "sendCommandCluster" exclude each other',
      'sendCommandCluster',
      sendCommandCluster,
    )
  }
  const send = sendCommandCluster ? cluster(sendCommandCluster) : single(sendCommand ?? refuseNone())
  return { send, isCluster: sendCommandCluster !== undefined, prefix, timeout, onStoreError }
}

const refuseNone = () =>
  refuse(
    'redisStore',
    'sendCommand',
    undefined,
    'a function that sends a command, such as (...args) => client.sendCommand(args)',
  )

const single = (sendCommand: SendCommand): Send => {
  return (_key, _isReadOnly, command) => rejecting(() => sendCommand(...command))
}

const cluster = (sendCommandCluster: SendCommandCluster): Send => {
  return (key, isReadOnly, command) => rejecting(() => sendCommandCluster({ key, isReadOnly, command }))
}

/** Turns what a client throws into a rejection. */
const rejecting = (send: () => PromiseLike<unknown>) => new Promise(resolve => resolve(send()))
