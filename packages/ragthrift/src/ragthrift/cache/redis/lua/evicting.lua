-- What goes when there is no more room, as in ragthrift.cache.eviction.

local STEP = 16
local SWEPT = 100  -- expired and cleared entries removed at each write

local function sweep(limit, keep)
  local gone = 0
  for _, id in ipairs(call('ZRANGEBYSCORE', ENDS, '-inf', server_time(), 'LIMIT', 0, limit)) do
    if id ~= keep then forget(id); gone = gone + 1 end
  end
  for _, member in ipairs(call('ZRANGEBYSCORE', ALL, '-inf', FLOOR, 'LIMIT', 0, limit)) do
    forget(string.match(member, '^%d+'))
    gone = gone + 1
  end
  return gone
end

local function surplus(max_entries, max_bytes)
  local entries = call('ZCARD', ALL)
  local bytes = tonumber(call('HGET', FACTS, 'bytes') or 0)
  if max_entries and entries > max_entries then return entries - max_entries end
  if max_bytes and bytes > max_bytes then
    return math.max(1, math.min(STEP, math.floor((bytes - max_bytes) * entries / bytes)))
  end
  return 0
end

local function evict(keep, max_entries, max_bytes)
  local gone = sweep(SWEPT, keep)
  while true do
    local number = surplus(max_entries, max_bytes)
    local least = number > 0 and call('ZRANGE', WORTH, 0, number, 'WITHSCORES') or {}
    local removed = 0
    for at = 1, #least, 2 do
      if least[at] ~= keep and removed < number then
        forget(least[at])
        removed = removed + 1
        local inflation = tonumber(call('HGET', FACTS, 'inflation') or 0)
        call('HSET', FACTS, 'inflation', math.max(inflation, tonumber(least[at + 1])))
      end
    end
    if removed == 0 then return gone end
    gone = gone + removed
  end
end
