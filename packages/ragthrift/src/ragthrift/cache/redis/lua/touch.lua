-- Move the end of a sliding lifetime, never back.
local id, ends = ARGV[3], tonumber(ARGV[4])
local entry = P .. 'e:' .. id
local row = call('HMGET', entry, 'ends', 'evidence', 'scope', 'place')
if not row[1] or tonumber(row[1]) >= ends then return 0 end
call('HSET', entry, 'ends', ARGV[4])
expires(entry, ends)
expires(P .. 'q:' .. row[3] .. ':' .. row[4], ends)
call('ZADD', ENDS, ends, id)
for _, each in ipairs(unpacked(row[2])) do expires_last(P .. 'b:' .. each.id, ends, false) end
return 1
