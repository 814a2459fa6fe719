-- Counts, servings and embeddings that were held back: three lists of pairs, each after its length.
local at = 3
local function pairs_of()
  local first, last = at + 1, at + 2 * tonumber(ARGV[at])
  at = last + 1
  local function following(_, here)
    here = here + 2
    if here <= last then return here, ARGV[here], ARGV[here + 1] end
  end
  return following, nil, first - 2
end

for _, name, number in pairs_of() do call('HINCRBY', P .. 'counts', name, number) end
for _, id, number in pairs_of() do
  local entry = P .. 'e:' .. id
  local row = call('HMGET', entry, 'cost', 'size')
  if row[1] and tonumber(id) > FLOOR then
    worth(id, call('HINCRBY', entry, 'hits', number), tonumber(row[1]), tonumber(row[2]))
  end
end
local now = server_time()
for _, digest, vector in pairs_of() do
  call('SET', P .. 'm:' .. digest, vector, 'EX', ARGV[at])
  call('ZADD', P .. 'embedded', now, digest)
end
local surplus = call('ZCARD', P .. 'embedded') - tonumber(ARGV[at + 1])
local old = call('ZRANGEBYSCORE', P .. 'embedded', '-inf', now - ARGV[at], 'LIMIT', 0, 100)
if surplus > 0 then old = call('ZRANGE', P .. 'embedded', 0, surplus - 1) end
for _, digest in ipairs(old) do
  call('ZREM', P .. 'embedded', digest)
  call('UNLINK', P .. 'm:' .. digest)
end
return 1
