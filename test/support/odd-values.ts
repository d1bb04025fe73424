const boom = () => {
  throw Object.create(null)
}

/** A handler of a Proxy whose every trap throws. */
const everyTrap = new Proxy({}, { get: () => boom })

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** An error of which reading a property throws. */
const unreadable = (property: string) =>
  Object.defineProperty(new Error('unreadable'), property, { get: boom, enumerable: true })

function cyclic(): unknown {
  const value: Record<string, unknown> = { name: 'cyclic' }
  value.self = value
  return value
}

/** What somebody's code may throw, or reject with, by name. */
export const oddValues: Readonly<Record<string, () => unknown>> = {
  'an Error': () => new Error('plain'),
  undefined: () => undefined,
  null: () => null,
  'no text': () => '',
  "'route'": () => 'route',
  zero: () => 0,
  'a symbol': () => Symbol('odd'),
  'a bigint': () => 10n ** 2000n,
  'an object without prototype': () => Object.create(null),
  'an object whose toString throws': () => ({ toString: boom }),
  'an object whose toPrimitive throws': () => ({ [Symbol.toPrimitive]: boom }),
  'an object whose inspection throws': () => ({ [Symbol.for('nodejs.util.inspect.custom')]: boom }),
  'an object whose then throws': () => Object.defineProperty({}, 'then', { get: boom }),
  'a cyclic object': cyclic,
  'a function': () => boom,
  'a Proxy of which every trap throws': () => new Proxy({}, everyTrap),
  'a Proxy of a function of which every trap throws': () => new Proxy(boom, everyTrap),
  'a Proxy of an Error of which every trap throws': () => new Proxy(new Error('behind'), everyTrap),
  'a revoked Proxy': revoked,
  'a frozen Error': () => Object.freeze(new Error('frozen')),
  'an Error without prototype': () => Object.setPrototypeOf(new Error('bare'), null),
  'an Error whose message throws': () => unreadable('message'),
  'an Error whose stack throws': () => unreadable('stack'),
  'an Error whose name throws': () => unreadable('name'),
  'an Error whose toString throws': () => Object.assign(new Error('x'), { toString: boom }),
  'an Error whose message is a symbol': () => Object.assign(new Error('x'), { message: Symbol('m') }),
  'an Error whose stack is an object': () => Object.assign(new Error('x'), { stack: Object.create(null) }),
  'an Error with a huge message': () => new Error('x'.repeat(1e6)),
  'an Error with control bytes': () => new Error('a\x1b[2J\x07\x9b31m\nb\u2028c\u202e'),
}

function thrower(value: unknown): () => never {
  return () => {
    throw value
  }
}

/** Some of {@link oddValues}, where there are many ways to fail. */
export const fewOddValues = ['an Error', 'undefined', 'an object without prototype', 'a revoked Proxy']

type Then = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void

const thenable = (then: Then | (() => never), target: object = {}): PromiseLike<unknown> =>
  Object.defineProperty(target, 'then', { value: then }) as never

/** The ways in which a callback may fail with a value: what it does when it is called. */
export const oddWays = {
  throws: thrower,
  'rejects with': (value: unknown) => () => Promise.reject(value),
  'returns a thenable that throws': (value: unknown) => () => thenable(thrower(value)),
  'returns what has a then that can not be read, for': (value: unknown) => () =>
    Object.defineProperty({}, 'then', { get: thrower(value) }),
  'returns a promise whose then throws': (value: unknown) => () =>
    thenable(thrower(value), Promise.resolve()),
} as const

/** Thenables that do more than they should: they resolve with `value`. */
export const oddThenables: Readonly<Record<string, (value: unknown) => PromiseLike<unknown>>> = {
  'resolves twice': value =>
    thenable(resolve => {
      resolve(value)
      resolve('again')
    }),
  'throws after resolving': value =>
    thenable(resolve => {
      resolve(value)
      throw Object.create(null)
    }),
  'rejects after resolving': value =>
    thenable((resolve, reject) => {
      resolve(value)
      reject(Symbol('late'))
    }),
  'is one only at first': value => {
    let looks = 0
    return Object.defineProperty({}, 'then', {
      get() {
        if (looks++ > 1) throw Object.create(null)
        return (resolve: (value: unknown) => void) => resolve(value)
      },
    }) as never
  },
}
