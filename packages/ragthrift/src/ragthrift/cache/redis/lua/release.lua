local key = P .. 'l:' .. ARGV[3]
local held = call('GET', key)
if held and string.match(held, '^%d+:(.*)$') == ARGV[4] then return call('DEL', key) end
return 0
