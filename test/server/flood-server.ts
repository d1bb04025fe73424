import { createWriteStream } from 'node:fs'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express from 'express'
import { denyCidr, dropLog, onDrop, protect, rule } from '../../lib/index.ts'

/*
 * The other processes of the flood test. `serve <log>`: two servers that differ in what the unwanted get, nothing or 403.
 * `client`: a legitimate client that counts its own answers.
 */

/** What is asked of a process over IPC, and what it answers. */
export interface Calls {
  ports: { ask: object; answer: { silent: number; speaking: number } }
  counts: { ask: object; answer: { heap: number; drops: Record<string, number>; lost: number } }
  measure: { ask: { port: number; ms: number }; answer: { answers: number; failures: number } }
}

export const DENIED = '127.9.0.1'

type Answers = { [Call in keyof Calls]?: (ask: Calls[Call]['ask']) => Promise<Calls[Call]['answer']> }

function answerCalls(answers: Answers): void {
  process.on('message', async (message: { call: keyof Calls }) => {
    const answer = await (answers[message.call] as (ask: unknown) => Promise<unknown>)(message)
    process.send?.(answer)
  })
  process.on('disconnect', () => process.exit())
}

function startServer(status: 444 | 403): Promise<Server> {
  const app = express()
  app.use((_req, res) => void res.end('fine'))
  const rules = [
    denyCidr([DENIED], { status }),
    rule('no-env', req => req.url === '/.env' && 'env', { status }),
  ]
  return new Promise(resolve => {
    const server: Server = app.listen(0, '127.0.0.1', () => resolve(protect(server, { rules })))
  })
}

const portOf = (server: Server) => (server.address() as AddressInfo).port

async function serve(log: string): Promise<void> {
  const silent = await startServer(444)
  const speaking = await startServer(403)
  const lines = dropLog(createWriteStream(log))
  const drops: Record<string, number> = {}
  onDrop(({ status, reason }) => {
    const key = `${status} ${reason}`
    drops[key] = (drops[key] ?? 0) + 1
  })
  answerCalls({
    ports: async () => ({ silent: portOf(silent), speaking: portOf(speaking) }),
    async counts() {
      // What is finished now is freed a turn later.
      for (let turns = 0; turns < 5; turns++) {
        await new Promise(resolve => setTimeout(resolve, 20))
        globalThis.gc?.()
      }
      return { heap: process.memoryUsage().heapUsed, drops, lost: lines.lost }
    },
  })
}

const CONNECTIONS = 4
const request = 'GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** Asks over kept connections, on each one thing at a time, for a while. */
async function measure({ port, ms }: { port: number; ms: number }): Promise<Calls['measure']['answer']> {
  let answers = 0
  let failures = 0
  const until = performance.now() + ms
  const one = () =>
    new Promise<void>(resolve => {
      const socket = connect(port, '127.0.0.1').setNoDelay().setEncoding('latin1')
      let text = ''
      socket.on('data', chunk => {
        text += chunk
        if (!text.endsWith('\r\n\r\nfine')) return
        if (text.startsWith('HTTP/1.1 200')) answers++
        text = ''
        if (performance.now() < until) socket.write(request)
        else socket.destroy()
      })
      socket.on('error', () => failures++)
      socket.on('end', () => failures++)
      socket.on('close', () => resolve())
      socket.write(request)
    })
  await Promise.all(Array.from({ length: CONNECTIONS }, one))
  return { answers, failures }
}

const [role, log = ''] = process.argv.slice(2)
if (role === 'serve') await serve(log)
if (role === 'client') answerCalls({ measure })
