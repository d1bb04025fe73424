import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { requireDjango } from './support/django.ts'
import { becomes, command, Example } from './support/django-gateway.ts'
import { paths } from './support/django-gateway-dictionary.ts'
import { type Finding, probes, scan } from './support/django-gateway-scanner.ts'
import { browser, tokenOf, Visitor } from './support/django-gateway-visitor.ts'
import { codeBlocks, page, read } from './support/docs.ts'
import { exchange, RawClient } from './support/raw-client.ts'

/** What a person does: looks around, logs in, orders, goes. */
async function visit(port: number, user: string, password: string): Promise<string[]> {
  const visitor = new Visitor(port)

  const home = await visitor.ask('/')
  assert.match(home.text, /<h1>Hello<\/h1>/)
  const [, css = ''] = /href="(\/static\/[^"]+\.css)"/.exec(home.text) ?? []
  const style = await visitor.ask(css)
  assert.match(style.headers['content-type'] ?? '', /^text\/css/)
  assert.match(style.text, /color: teal/)
  const since = { 'If-Modified-Since': style.headers['last-modified'] ?? '' }
  const unchanged = await visitor.ask(css, { headers: since })
  assert.deepEqual([unchanged.status, unchanged.headers.connection], [304, 'keep-alive'])
  assert.equal((await visitor.ask('/favicon.ico')).status, 404)
  const head = await visitor.ask('/about/', { method: 'HEAD' })
  assert.deepEqual([head.status, head.text], [200, ''])
  const about = await visitor.ask('/about?from=home')
  assert.deepEqual([about.status, about.headers.location], [301, '/about/?from=home'])
  assert.match((await visitor.ask('/about/?from=home')).text, new RegExp(`at ${visitor.origin}/about/`))

  const refused = await visitor.ask('/orders/')
  assert.deepEqual([refused.status, refused.headers.location], [302, '/login/?next=/orders/'])
  const form = await visitor.ask('/login/?next=/orders/')
  const login = { csrfmiddlewaretoken: tokenOf(form), username: user, next: '/orders/' }
  const wrong = await visitor.submit('/login/', { ...login, password: 'wrong' })
  assert.equal(wrong.status, 200)
  assert.match(wrong.text, /correct username and password/)
  assert.ok(!visitor.cookies.has('sessionid'))
  const right = await visitor.submit('/login/', { ...login, password })
  assert.deepEqual([right.status, right.headers.location], [302, '/orders/'])
  assert.ok(visitor.cookies.has('sessionid'))
  assert.match((await visitor.ask('/')).text, new RegExp(`Hello, ${user}`))

  const orders = await visitor.ask('/orders/')
  const order = { csrfmiddlewaretoken: tokenOf(orders), item: 'Käse & Brot' }
  const placed = await visitor.submit('/orders/', order)
  assert.equal(placed.status, 302)
  assert.match((await visitor.ask(placed.headers.location ?? '')).text, /Käse &amp; Brot/)
  const withFile = await visitor.upload('/orders/', order, Buffer.alloc(3 << 20, 'x'))
  assert.match((await visitor.ask(withFile.headers.location ?? '')).text, /with a file of 3145728 bytes/)
  assert.equal((await visitor.ask('/orders/444444/')).status, 404)

  for (const path of ['/admin/', '/admin/shop/order/', '/admin/jsi18n/', '/admin/shop/order/add/'])
    assert.equal((await visitor.ask(path)).status, 200, path)

  const forged = await visitor.submit('/orders/', { ...order, csrfmiddlewaretoken: 'x'.repeat(64) })
  assert.equal(forged.status, 403)
  assert.match(forged.text, /CSRF verification failed/)

  const { csrfmiddlewaretoken } = { csrfmiddlewaretoken: tokenOf(await visitor.ask('/')) }
  assert.equal((await visitor.submit('/logout/', { csrfmiddlewaretoken })).status, 302)
  assert.ok(!visitor.cookies.has('sessionid'))
  assert.equal((await visitor.ask('/orders/')).status, 302)
  const admin = await visitor.ask('/admin/')
  const door = await visitor.ask(admin.headers.location ?? '')
  for (const [, file = ''] of door.text.matchAll(/<link rel="stylesheet"[^>]* href="([^"]+)"/g)) {
    const sheet = await visitor.ask(file)
    assert.deepEqual([sheet.status, sheet.headers['content-type']], [200, 'text/css'], file)
  }
  visitor.end()
  return visitor.asked
}

const sorted = (lines: readonly string[]) => [...lines].sort()

describe('gateway before Django', { skip: requireDjango() }, () => {
  let example: Example
  let seen = 0
  before(async () => {
    example = await Example.start()
  })
  after(() => example?.end('SIGKILL'))

  /** What Django was asked since the last call. */
  async function asked(count: number): Promise<string[]> {
    const all = await example.requests(seen + count)
    const since = all.slice(seen)
    seen = all.length
    return since
  }

  it('lets a visit through, while a scanner gets nothing and Django hears nothing of it', async () => {
    const { port, user, password } = example
    assert.ok(paths.length >= 300 && probes.length >= 600)
    const [findings, during] = await Promise.all([scan(port), visit(port, user, password)])
    const visited = [...during, ...(await visit(port, user, password))]

    const told = findings.filter(({ wireBytes, end }) => wireBytes > 0 || end === 'open')
    const show = ({ name, end, data }: Finding) => `${name}: ${end} ${data.toString('latin1').slice(0, 80)}`
    assert.deepEqual(told.map(show), [])
    assert.equal(findings.length, probes.length)

    // Django writes a line after it has answered, by the thread that did.
    assert.deepEqual(sorted(await asked(visited.length)), sorted(visited))
    const remarks = new Set(example.remarks.map(line => line.replace(/^.*: /, '')))
    assert.deepEqual(sorted([...remarks]), ['/favicon.ico', '/orders/', '/orders/444444/'])

    assert.ok(await becomes(() => example.drops.length >= probes.length))
    assert.equal(example.drops.length, probes.length)
    const rules = example.drops.map(line => /"(\w+)" "[a-z\d-]+"$/.exec(line)?.[1])
    const all = ['badAgent', 'methodAllowlist', 'noHost', 'pathAllowlist', 'plainPath', 'protect']
    assert.deepEqual(sorted([...new Set(rules)] as string[]), all)
  })

  const browse = `Host: localhost\r\nUser-Agent: ${browser}\r\n`

  it('alone says to Django who asks, for which host, and over what', async () => {
    const names = ['Forwarded', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Forwarded-For']
    const lies = ['host=evil.example;proto=https', 'evil.example', 'https', '192.0.2.1']
    const lines = names.map((name, i) => `${name}: ${lies[i]}\r\n`)
    const request = `GET /about/ HTTP/1.1\r\n${browse}${lines.join('')}Connection: close\r\n\r\n`
    const { data, end } = await exchange({ port: example.port }, request)
    assert.equal(end, 'fin')
    assert.match(data.toString(), /^HTTP\/1\.1 200 .*at http:\/\/localhost\/about\/\./s)
    assert.match(data.toString(), /Told: http localhost 127\.0\.0\.1 </)
    assert.deepEqual(await asked(1), ['GET /about/ 200'])
  })

  it('lets no body become a second request', async () => {
    const hidden = `GET /.env HTTP/1.1\r\n${browse}\r\n`
    for (const framing of [
      `Transfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
      `Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
    ]) {
      for (const connection of ['keep-alive', 'upgrade', 'keep-alive, upgrade']) {
        const head = `POST /login/ HTTP/1.1\r\n${browse}Connection: ${connection}\r\nUpgrade: h2c\r\n`
        const client = await RawClient.open({ port: example.port })
        client.send(head + framing)
        assert.ok(await client.until(() => client.text.includes('</html>')), client.text)
        client.send(`GET /.env HTTP/1.1\r\n${browse}\r\n`)
        assert.deepEqual((await client.ended()).wireBytes, 0)
        client.destroy()
        assert.match(client.text, /^HTTP\/1\.1 403 /)
        assert.deepEqual(await asked(1), ['POST /login/ 403'], `${connection}: ${framing}`)
      }
    }
  })

  it('leaves the target as it is, and drops one that could mean two', async () => {
    const { port } = example
    const ask = (target: string) =>
      exchange({ port }, `GET ${target} HTTP/1.1\r\n${browse}Connection: close\r\n\r\n`)
    const target = '/about/?next=//a/b&q={x|y}^`"<c>\\'
    assert.match((await ask(target)).data.toString(), /^HTTP\/1\.1 200 /)
    for (const path of ['/admin/shop/order/a//b/change/', '/admin/shop/order/.a/change/', '/static/.env'])
      assert.equal((await ask(path)).wireBytes, 0, path)
    assert.deepEqual(await asked(1), [`GET ${target} 200`])
  })

  /** Another test may have got the port since, but then it is not Django that answers. */
  async function isGone(port: number): Promise<boolean> {
    const asked = exchange({ port }, 'GET / HTTP/1.0\r\n\r\n', 500)
    return asked.then(
      ({ data }) => !data.includes('WSGIServer'),
      () => true,
    )
  }

  it('ends on SIGTERM, and on Ctrl-C twice, with Django and its files', async () => {
    const other = await Example.start()
    const { djangoPort, log } = other
    other.child.kill('SIGINT')
    assert.equal(await other.end('SIGINT'), 0, other.errors)
    assert.ok(!other.directoryExists, log)
    assert.ok(await isGone(djangoPort))
    assert.equal(await example.end('SIGTERM'), 0, example.errors)
    assert.ok(!example.directoryExists)
  })

  it('takes Django with it where it is killed', async () => {
    const other = await Example.start()
    await other.end('SIGKILL')
    assert.ok(await becomes(() => !other.directoryExists))
    // Its sockets close before its files go.
    assert.ok(await isGone(other.djangoPort))
  })
})

describe('gateway before Django: its pages', () => {
  it('export the routes as djangoRoutes shows it', () => {
    const shown = codeBlocks(page('docs/django-routes.md'), 'python')
    assert.ok(shown.includes(read('examples/django-gateway/site/export_routes.py')))
  })

  it('name the command', () => {
    for (const name of ['examples/django-gateway/README.md', 'docs/gateway-before-django.md'])
      assert.ok(codeBlocks(page(name), 'sh').includes(`${command.join(' ')}\n`), name)
  })
})
