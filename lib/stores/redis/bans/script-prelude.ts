import { LAST_TIME, LONGEST, MOST_LEVEL } from '../../../offenders/sync/sound-record.ts'

/**
 * The first lines of both scripts. `now`, and `us` in microseconds, never go back: after the server's clock was set back they go on
 * from the earlier time. A set-back shows in the time that a process expects, or in the time of the last change; its length, `back`,
 * stands behind the sequence number in KEYS[1].
 *
 * `try` runs a command; a key of another type is noted as `odd` and left alone. If one of the first keys is odd, the script ends.
 */
export const start = (expected: string, sets: number) => `
local odd = ''
local function whole(number) return string.format('%.0f', number) end
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then return redis.call(...) end
  odd = 'foreign ' .. select(2, ...)
end
local time = redis.call('TIME')
local us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local text = try('GET', KEYS[1])
try('HGET', KEYS[2], '')
for i = 3, ${sets} do try('ZCARD', KEYS[i]) end
if odd ~= '' then return { '0', '0', '', '', '', odd } end
local seq, born, back = string.match(string.sub(text or '', 1, 80), '^(%d+) (%d+) ?(%d*)$')
local function restart()
  odd, seq, born, back = 'damaged ' .. KEYS[1], '0', nil, ''
end
if text and not seq then restart() end
if tonumber(seq or '0') > 9e15 or tonumber(back ~= '' and back or '0') > 9e12 or #(born or '') > 20 then restart() end
seq, back = tonumber(seq or '0'), tonumber(back ~= '' and back or '0')
local now = math.floor(us / 1000) + back
local expected = tonumber(${expected}) or 0
local behind = math.max(math.floor(seq / 1000), expected) - now
local isSetBack = behind > 1000
if isSetBack then back, now = back + behind, now + behind end
us = us + back * 1000
local function keepSeq(life)
  local text = whole(seq) .. ' ' .. born .. (back > 0 and ' ' .. whole(back) or '')
  redis.call('SET', KEYS[1], text, 'PX', whole(math.min(life, ${LONGEST})))
end
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
`

/** Parses the record of a network, `at since until level reason`; a damaged one counts as none. */
export const PARSE = `
local function parse(address, text)
  if not text then return nil end
  local at, since, til, level, reason = string.match(string.sub(text, 1, 2000), '^(%-?%d+) (%-?%d+) (%-?%d+) (%d+) (.*)$')
  at, since, til, level = tonumber(at), tonumber(since), tonumber(til), tonumber(level)
  if not at or math.max(math.abs(at), math.abs(since)) > ${LAST_TIME} or level > ${MOST_LEVEL} then
    odd = 'damaged ' .. KEYS[2] .. ' ' .. address
    return nil
  end
  return { at = at, since = since, til = math.min(til, now + ${LONGEST}), level = level, reason = reason }
end
`
