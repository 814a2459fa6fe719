local scope, place, fence = ARGV[3], ARGV[4], tonumber(ARGV[5])
local user, agrees_with, said, corpus = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local evidence, blob, dimensions = ARGV[10], ARGV[11], ARGV[12]
local max_entries, max_bytes = tonumber(ARGV[13]), tonumber(ARGV[14])
local size, cost, ends = tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17])
local value = ARGV[18]  -- the key of an answer that lies apart
local FIRST_FIELD = 19

local function admit(built_from)
  if fence and (fact('cleared') > fence or fence > fact('epoch')) then return 'cleared' end
  local known, named = {}, {}
  for _, each in ipairs(built_from) do
    known[each.id] = document(each.id)
    if fence and known[each.id] and known[each.id].moved > fence then return 'moved' end
  end
  for _, each in ipairs(built_from) do
    if each.version ~= '' then
      if named[each.id] and named[each.id] ~= each.version then return 'stale' end
      named[each.id] = each.version
    end
  end
  for id, version in pairs(named) do
    local row = known[id]
    local other = row and row.version ~= '' and row.version ~= version
    if other and (not fence or row.declared) then return 'stale' end
  end
  for id, version in pairs(named) do
    local row = known[id]
    if not row or row.version == '' then
      register(id, version, false, row and row.moved or 0, row and row.withdrawn or 0)
    elseif row.version ~= version then
      move(id, version, false)
    end
  end
  return 'stored'
end

local built_from = unpacked(evidence)
local verdict = admit(built_from)
if verdict ~= 'stored' then return {verdict, 0} end

-- What people did with the older answer stays only where the new one says the same.
local question = P .. 'q:' .. scope .. ':' .. place
local old, users, hits = call('GET', question), user, 0
local kept = {}
if old then
  local row = call('HMGET', P .. 'e:' .. old, 'said', 'users', 'hits', 'right_count',
    'wrong_count', 'grouping')
  if row[1] and tonumber(old) > FLOOR and (old == agrees_with or row[1] == said) then
    hits = tonumber(row[3])
    kept = {'right_count', row[4], 'wrong_count', row[5], 'grouping', row[6]}
    users = row[2]
    if user ~= '' and not shared(users, user, math.huge) then users = users .. user end
  end
  forget(old)
end

local id = whole(call('HINCRBY', REGISTRY, 'last', 1))
local entry, epoch = P .. 'e:' .. id, fact('epoch')
local grown = fact('c:' .. corpus) > (fence or epoch)
local member = {id, scope, place, ARGV[15], dimensions}
if value ~= '' then member[6] = value end
call('ZADD', ALL, id, table.concat(member, ':'))
call('ZADD', P .. 'i:' .. scope, id, id)
call('HINCRBY', FACTS, 'bytes', size)
call('HSET', entry, 'right_count', 0, 'wrong_count', 0, unpack(ARGV, FIRST_FIELD))
call('HSET', entry, 'epoch', whole(epoch), 'recheck', grown and 1 or 0, 'hits', hits,
  'users', users, 'said', said, 'evidence', evidence, 'ends', ARGV[17], unpack(kept))
expires(entry, ends)
if ends < math.huge then call('ZADD', ENDS, ends, id) end
worth(id, hits, cost, size)
for _, each in ipairs(built_from) do
  local members = P .. 'b:' .. each.id
  local is_new = call('EXISTS', members) == 0
  call('SADD', members, id)
  expires_last(members, ends, is_new)
end
call('SADD', P .. 'c:' .. corpus, scope)
if KIND == 'sets' and dimensions ~= '0' then
  call('VADD', P .. 'v:' .. scope .. ':' .. dimensions, 'FP32', blob, id)
elseif KIND == 'search' and dimensions ~= '0' then
  call('HSET', entry, 'near' .. dimensions, blob)
elseif KIND == 'local' and dimensions ~= '0' then
  changed(scope, '+', id)
end
call('SET', question, id)
expires(question, ends)
return {verdict, evict(id, max_entries, max_bytes)}
