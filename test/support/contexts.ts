import { AsyncLocalStorage } from 'node:async_hooks'
import { context, createContextKey } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'

/** A way to keep state for whatever a request begins. */
export interface Contexts {
  readonly name: string
  /** Runs something in the context of this name. */
  run<T>(name: string, callback: () => T): T
  /** The name of the context that is in force, or `nobody`. */
  now(): string
}

export const storage = new AsyncLocalStorage<string>()
const key = createContextKey('name')
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

/** Each suite about contexts runs with all of them. */
export const contexts: readonly Contexts[] = [
  {
    name: 'AsyncLocalStorage.run',
    run: (name, callback) => storage.run(name, callback),
    now: () => storage.getStore() ?? 'nobody',
  },
  {
    name: "OpenTelemetry's context manager",
    run: (name, callback) => context.with(context.active().setValue(key, name), callback),
    now: () => (context.active().getValue(key) as string | undefined) ?? 'nobody',
  },
]
