-- Entries that meet the terms, by the question's place or by id; those that never will are removed.
local scope, place, dimensions = ARGV[3], ARGV[4], ARGV[5]
local now, user, min_users = tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])
local columns = cjson.decode(ARGV[9])
local FIRST_ID = 10

local ids = {unpack(ARGV, FIRST_ID)}
if place ~= '' then ids = {call('GET', P .. 'q:' .. scope .. ':' .. place) or nil} end

local rows, removed = {}, 0
for _, id in ipairs(ids) do
  local serve, never = servable(id, now, user, min_users)
  if serve then
    local row = call('HMGET', P .. 'e:' .. id, unpack(columns))
    table.insert(row, 1, id)
    rows[#rows + 1] = row
  elseif never then
    if not call('ZRANGEBYSCORE', ALL, id, id)[1] and dimensions ~= '0' then
      unindex(scope, dimensions, id)
    end
    forget(id)
    removed = removed + 1
  end
end
return {removed, rows}
