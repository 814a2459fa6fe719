-- Who has cleared the cache since has taken all leases back.
local key, cleared = P .. 'l:' .. ARGV[3], call('HGET', REGISTRY, 'cleared')
local mine, held = cleared .. ':' .. ARGV[4], call('GET', key)
if held and held ~= mine and string.match(held, '^%d+') == cleared then return 0 end
call('SET', key, mine, 'PX', ARGV[5])
return 1
