import { script } from '../script.ts'

/** Returned in place of an excess if the key holds another type. Short, because some clients read numbers of 16 digits inexactly. */
export const FOREIGN = -(10 ** 15)

/**
 * The arithmetic of `nextRequest` in Lua: from `held` and `last` of a key to `excess`, and to `rejected` if that is too much. A `last`
 * later than now was written before the clock was set back: it is `moved` back by as much, or to now.
 */
const weigh = (place: string, rate: string, burst: string, more: string) => `
  local excess, moved, rejected = ${more}, nil, nil
  local held, last = read(${place})
  if held < 0 then rejected = ${FOREIGN} end
  if last then
    local ms = now - last
    if ms < 0 then
      moved, last = true, math.min(last - tonumber(ARGV[2]) + now, ms < -60000 and now - 1 or now)
      ms = now - last
    end
    excess = held - math.floor(${rate} * ms / 1000) + 1000
    if excess < 0 then excess = 0 end
    excess = excess + ${more}
    if excess > ${burst} then
      rejected = now - 1 - last - math.ceil((held + 1000 + ${more} - ${burst}) * 1000 / ${rate})
    end
  end`

/** Writes a state, with an expiry at the moment when its excess has run off. */
const keep = (key: string, excess: string, last: string, rate: string) => `
    redis.call('SET', ${key}, string.format('%d %d', ${excess}, ${last}), 'PX',
      string.format('%d', math.max(1, math.ceil((${excess} + 1000) * 1000 / ${rate}) + ${last} - now)))`

/**
 * Decides on many requests, in the order in which they came, by nginx's leaky bucket. A key holds `<excess> <last>`, and expires when
 * it no longer changes a decision.
 *
 * ARGV: until when (Redis's milliseconds) this may still be decided; what time it is believed to be, had the clock not been set
 * back; then runs of requests of the same limits: how many, by how many limits, `1` if they count (`0` only asks), and of each
 * limit rate, burst and what the cost adds. Where there is one key and it counts, these three alone, or two where the cost adds
 * nothing.
 *
 * Returns the time, and for each key the excess where its limit allows the request, or -1 and less: `-1 - retryAfter`, or
 * {@link FOREIGN}; then, where a value was not as it is written here and was taken for nothing, which key's. The time alone:
 * it came too late.
 */
export const limitScript = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[1]) then return {now} end
local damaged
local function read(place)
  local state = redis.pcall('GET', KEYS[place])
  if not state then return 0 end
  if type(state) == 'table' then
    if not string.find(state.err, 'WRONGTYPE', 1, true) then redis.call('GET', KEYS[place]) end
    return -1
  end
  local held, last
  if #state <= 40 then held, last = string.match(state, '^(%d+) (%d+)$') end
  held, last = tonumber(held), tonumber(last)
  if held and held <= 1e12 and last <= 1e16 then return held, last end
  damaged = place
  return 0
end
if not ARGV[6] then
  local rate, burst, more = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5] or 0)
  ${weigh('1', 'rate', 'burst', 'more')}
  if rejected then
    if moved then ${keep('KEYS[1]', 'held', 'last', 'rate')}
    end
    return {now, rejected}
  end
  ${keep('KEYS[1]', 'excess', 'now', 'rate')}
  return {now, excess, damaged}
end
local out = {now}
local rate, burst, more, excesses, helds, lasts = {}, {}, {}, {}, {}, {}
local key, arg = 0, 3
while ARGV[arg] do
  local requests, limits, counts = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), ARGV[arg + 2] == '1'
  for i = 1, limits do
    local at = arg + 3 * i
    rate[i], burst[i], more[i] = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  end
  arg = arg + 3 + 3 * limits
  for _ = 1, requests do
    local allowed = true
    for i = 1, limits do
      local rate, burst, more = rate[i], burst[i], more[i]
      ${weigh('key + i', 'rate', 'burst', 'more')}
      if rejected then allowed = false end
      excesses[i], helds[i], lasts[i] = excess, held, moved and last
      out[#out + 1] = rejected or excess
    end
    for i = 1, limits do
      if allowed and counts then ${keep('KEYS[key + i]', 'excesses[i]', 'now', 'rate[i]')}
      elseif lasts[i] then ${keep('KEYS[key + i]', 'helds[i]', 'lasts[i]', 'rate[i]')}
      end
    end
    key = key + limits
  end
end
out[#out + 1] = damaged
return out
`)
