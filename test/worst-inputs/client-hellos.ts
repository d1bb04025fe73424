const two = (value: number) => [value >> 8, value & 255]

const extension = (type: number, data: Buffer) =>
  Buffer.concat([Buffer.from([...two(type), ...two(data.length)]), data])

function hello(extensions: Buffer, size = 16_384): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    Buffer.from([0, 0, 2, 0x13, 1, 1, 0, ...two(extensions.length)]),
    extensions,
  ])
  const message = Buffer.concat([Buffer.from([1, 0, ...two(body.length)]), body])
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const fragment = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, ...two(fragment.length)]), fragment)
  }
  return Buffer.concat(records)
}

/** Extensions of all kinds, each of them empty. */
export const manyExtensions = () =>
  hello(Buffer.concat(Array.from({ length: 4_000 }, (_, i) => extension(i + 100, Buffer.alloc(0)))))

/** ALPN with a list of protocols of one letter. */
export function manyProtocols(): Buffer {
  const list = Buffer.alloc(16_000, Buffer.from([1, 97]))
  return hello(extension(16, Buffer.concat([Buffer.from(two(list.length)), list])))
}

/** A byte in each record. */
export const manyRecords = () => hello(extension(21, Buffer.alloc(930)), 1)
