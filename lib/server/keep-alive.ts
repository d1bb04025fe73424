import type { Server, Socket } from 'node:net'

/** Longer than Cloudflare (900 s), Google's balancers (600 s), Caddy (120 s), nginx and AWS's (60 s) keep theirs; in ms. */
const PROXY_KEEP_ALIVE = 910_000

/**
 * Node ends a connection that was idle for `keepAliveTimeout`, 5 s by default. A proxy that sends a request into it at that moment
 * answers 502, so the proxy's time has to be the shorter one. To be called when a response is finished: by then Node has started its
 * own timer, which it stops at the next request.
 */
export function keepProxyAlive(server: Server, socket: Socket): void {
  const { keepAliveTimeout = 0 } = server as { keepAliveTimeout?: number }
  if (keepAliveTimeout > 0 && keepAliveTimeout < PROXY_KEEP_ALIVE) socket.setTimeout(PROXY_KEEP_ALIVE)
}
