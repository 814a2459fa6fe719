call('RPUSH', P .. 'labels', ARGV[3])
call('LTRIM', P .. 'labels', -tonumber(ARGV[4]), -1)
local column, entry = ARGV[5], P .. 'e:' .. ARGV[6]
if column ~= '' and call('EXISTS', entry) == 1 then call('HINCRBY', entry, column, 1) end
return 1
