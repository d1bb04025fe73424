import { LONGEST } from '../../../offenders/sync/sound-record.ts'
import { script } from '../script.ts'
import { PARSE, start } from './script-prelude.ts'

/**
 * Keys: the sequence number, with the number at which the data began anew; the records; networks sorted by their last change, by
 * when they are forgotten, by the end of their ban; then, for each action, the offences of its network. A restart of Redis counts as a
 * new beginning, because it may have restored older data; without permission for `INFO` it goes unnoticed. A call that arrives seconds
 * late has waited in a client, and does nothing. Sequence numbers are microseconds, so that numbers lost in a restart are not
 * given again.
 */
export const WRITE = script(`${start('ARGV[8]', 5)}${PARSE}
local limit, window, ban, maxBan, decay, top, maxBans =
  tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]),
  tonumber(ARGV[7])
local HEAD, STRIDE = 8, 8
local isNew = not born
born = born or whole(us)
if now - expected > 5000 then return { whole(now), whole(seq), born .. ' ' .. server, 'late', server, odd } end
local before = seq
local reply = { whole(now), '', born .. ' ' .. server, '', server, '' }

local function levelAt(known, time)
  if not known then return 0 end
  if time <= known.til then return known.level end
  return math.max(0, known.level - math.floor((time - known.til) / decay))
end

local function tell(address, text)
  reply[#reply + 1] = address
  reply[#reply + 1] = text
end

local function keep(address, at, since, til, level, reason, forget)
  local text = whole(at) .. ' ' .. whole(since) .. ' ' .. whole(til) .. ' ' .. whole(level) .. ' ' .. reason
  seq = math.max(seq + 1, us)
  redis.call('HSET', KEYS[2], address, text)
  redis.call('ZADD', KEYS[3], whole(seq), address)
  redis.call('ZADD', KEYS[4], whole(forget), address)
  redis.call('ZADD', KEYS[5], whole(til), address)
  tell(address, text)
end

local function remove(addresses)
  for _, address in ipairs(addresses) do
    redis.call('HDEL', KEYS[2], address)
    for i = 3, 5 do redis.call('ZREM', KEYS[i], address) end
  end
end

local function lengthOf(level) return math.min(maxBan, ban * 2 ^ (level - 1)) end

local function offend(address, key, known, times, reason)
  local count = 0
  for _ = 1, math.min(times, limit + 1) do count = count and try('RPUSH', key, whole(now)) end
  if not count then return end
  if count > limit then
    local first = tonumber(redis.call('LINDEX', key, -limit - 1))
    if not first or first ~= first then odd = 'damaged ' .. key end
    if not (first and first <= now + 1000) then
      redis.call('LTRIM', key, -times, -1)
    elseif now - first < window then
      redis.call('DEL', key)
      local level = math.min(top, levelAt(known, now) + 1)
      local til = now + lengthOf(level)
      return keep(address, now, now, til, level, reason, til + level * decay)
    else
      redis.call('LTRIM', key, -limit, -1)
    end
  end
  redis.call('PEXPIRE', key, whole(window))
end

local function forgetOffences(key)
  local had = try('LINDEX', key, 0)
  if had then redis.call('DEL', key) end
  return had
end

local function banned(address, key, at, duration, level, reason, known, isCounted)
  if isCounted then
    level = math.min(top, math.max(level, levelAt(known, at) + 1))
    duration = math.max(duration, lengthOf(level))
  end
  local til = at + duration
  if til + level * decay <= now then return end
  forgetOffences(key)
  keep(address, at, at, til, level, reason, til + level * decay)
end

local function forgetOf(address, least)
  local known = tonumber(redis.call('ZSCORE', KEYS[4], address) or '0') or 0
  return math.max(least, math.min(known, now + ${LONGEST}))
end

local function pardon(kind, address, key, at, known)
  local had = forgetOffences(key)
  if kind == 'lift' then
    keep(address, at, math.min(at, now), math.min(at, now), 0, 'lifted', forgetOf(address, now + maxBan))
  elseif known then
    local til = math.max(math.min(at, now), known.til)
    keep(address, at, known.since, til, 0, known.reason, forgetOf(address, now + window))
  elseif had then
    keep(address, at, math.min(at, now), math.min(at, now), 0, 'forgiven', now + window)
  end
end

for i = 0, (#ARGV - HEAD) / STRIDE - 1 do
  local from = HEAD + i * STRIDE
  local kind, address, reason = ARGV[from + 1], ARGV[from + 2], ARGV[from + 7]
  local key = KEYS[6 + i]
  local text = redis.call('HGET', KEYS[2], address)
  local known = parse(address, text)
  if text and not known then remove({ address }) end
  local at = now - tonumber(ARGV[from + 3])
  if kind == 'offend' then
    if known and known.til > now then
      tell(address, text)
    else
      offend(address, key, known, tonumber(ARGV[from + 4]), reason)
    end
  else
    if ARGV[from + 4] ~= '' then
      at = tonumber(ARGV[from + 4])
    else
      at = math.max(at, math.min(tonumber(ARGV[from + 8]) or 0, now + 1000) + 1)
    end
    local isLater = not known or known.at < at or known.at > now + 2000
    if kind == 'counted' and known and known.til > at then isLater = false end
    if not isLater then
      tell(address, text)
    elseif kind == 'ban' or kind == 'counted' then
      banned(address, key, at, tonumber(ARGV[from + 5]), tonumber(ARGV[from + 6]), reason, known, kind == 'counted')
    else
      pardon(kind, address, key, at, known)
    end
  end
end

if isNew and redis.call('ZCARD', KEYS[3]) > 0 then seq = math.max(seq, us) end
if seq > before or isSetBack then
  local over = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', whole(now), 'LIMIT', 0, 100)
  remove(over)
  local excess = redis.call('ZCARD', KEYS[5]) - maxBans
  if excess > 0 then remove(redis.call('ZRANGE', KEYS[5], 0, math.min(excess, 1000) - 1)) end
  local last = redis.call('ZRANGE', KEYS[4], -1, -1, 'WITHSCORES')
  local life = math.max(60000, window, math.min(${LONGEST}, (tonumber(last[2] or '0') or 0) - now + 60000))
  keepSeq(life)
  for i = 2, 5 do redis.call('PEXPIRE', KEYS[i], whole(life)) end
end
reply[2], reply[6] = whole(seq), odd
return reply
`)

/** Keys: the first three of {@link WRITE}. */
export const READ = script(`${start('ARGV[3]', 3)}
local page = tonumber(ARGV[2])
if isSetBack and born then keepSeq(math.max(60000, redis.call('PTTL', KEYS[1]))) end
local reply = { whole(now), whole(seq), born and born .. ' ' .. server or '', whole(seq), server, odd }
if seq <= tonumber(ARGV[1]) then return reply end
local changed = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, page)
for i = 1, #changed, 2 do
  local text = redis.call('HGET', KEYS[2], changed[i])
  if text then
    reply[#reply + 1] = changed[i]
    reply[#reply + 1] = text
  end
end
if #changed == 2 * page then reply[4] = whole(math.min(seq, tonumber(changed[#changed]) or seq)) end
return reply
`)
