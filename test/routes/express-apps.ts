import express from 'express'
import express4 from 'express4'

/** What a test needs of an app or router of either version; their types differ where paths do. */
export interface AnyApp {
  (req: unknown, res: unknown, next?: unknown): void
  handle(req: unknown, res: unknown, next?: unknown): void
  set(setting: string, value: unknown): unknown
  use(...args: unknown[]): unknown
  all(path: unknown, ...handlers: unknown[]): unknown
  get(path: unknown, ...handlers: unknown[]): unknown
  head(path: unknown, ...handlers: unknown[]): unknown
  post(path: unknown, ...handlers: unknown[]): unknown
  put(path: unknown, ...handlers: unknown[]): unknown
  options(path: unknown, ...handlers: unknown[]): unknown
  delete(path: unknown, ...handlers: unknown[]): unknown
  param(name: string, handler: unknown): unknown
  route(path: unknown): Record<'all' | 'get' | 'post', (...handlers: unknown[]) => unknown>
}

export interface RouterOptions {
  strict?: boolean
  caseSensitive?: boolean
  mergeParams?: boolean
}

interface Factory {
  (): AnyApp
  Router(options?: RouterOptions): AnyApp
  static(root: string): unknown
}

export const versions = {
  express4: express4 as unknown as Factory,
  express5: express as unknown as Factory,
}

export type Version = keyof typeof versions

export const names: readonly Version[] = ['express4', 'express5']

interface FakeRequest {
  found(): void
}

/** A handler that answers, and one that goes on. */
export const answer = (req: unknown) => (req as FakeRequest).found()
export const goOn = (_req: unknown, _res: unknown, next: () => void) => next()

/**
 * What Express does with a request, by its own doing: whether a handler was reached, or OPTIONS was answered. What falls
 * through, and an error (a parameter that can't be decoded), is not found.
 */
export function isFoundBy(app: AnyApp, method: string, url: string): Promise<boolean> {
  return new Promise(resolve => {
    const found = () => resolve(true)
    const req = { method, url, headers: {}, found }
    // Own `send` and `end`: Express lays its prototype underneath.
    const res = { setHeader() {}, getHeader() {}, set() {}, send: found, end: found }
    app.handle(req, res, () => resolve(false))
  })
}
