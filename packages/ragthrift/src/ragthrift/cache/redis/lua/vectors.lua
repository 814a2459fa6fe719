-- Ids and sealed vectors: of the given entries, or of a scope's next ones after an id.
local scope, after, limit = ARGV[3], ARGV[4], tonumber(ARGV[5])
local ids = {unpack(ARGV, 6)}
if limit > 0 then
  ids = call('ZRANGEBYSCORE', P .. 'i:' .. scope, '(' .. after, '+inf', 'LIMIT', 0, limit)
end
local found = {}
for _, id in ipairs(ids) do
  found[#found + 1] = id
  found[#found + 1] = call('HGET', P .. 'e:' .. id, 'vector')
end
return found
