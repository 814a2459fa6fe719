-- What every script begins with.
-- KEYS[1]: the registry. ARGV[1]: what every key begins with. ARGV[2]: where vectors are searched.

local call = redis.call
local REGISTRY, P, KIND = KEYS[1], ARGV[1], ARGV[2]
local ALL, ENDS, WORTH, FACTS = P .. 'all', P .. 'ends', P .. 'worth', P .. 'facts'
local GRACE_SECONDS = 60      -- an entry outlives its end, so that what belongs to it goes with it
local CHANGES_KEPT = 10000
local CHANGES_SECONDS = 86400

-- `..` and tostring() would write 1.76e+15.
local function whole(number) return string.format('%.0f', number) end

local function fact(name) return tonumber(call('HGET', REGISTRY, name) or 0) end

local function server_time()
  local time = call('TIME')
  return time[1] + time[2] / 1000000
end

-- A server that was started since may have lost its last writes, and with them that a document
-- moved: everything older is as if cleared. Epochs and ids start at the microseconds since 1970,
-- so that none is ever given twice.
local function open()
  local run = string.match(call('INFO', 'server'), 'run_id:(%x+)')
  local known = call('HMGET', REGISTRY, 'run', 'floor', 'kind', 'epoch', 'last')
  local floor, kind = known[2], known[3]
  if known[1] ~= run then
    local older = math.max(tonumber(known[4] or 0), tonumber(known[5] or 0))
    floor, kind = whole(math.max(server_time() * 1000000, older + 1)), false
    call('DEL', REGISTRY)
    call('HSET', REGISTRY, 'run', run, 'born', floor, 'floor', floor, 'epoch', floor,
      'cleared', floor, 'last', floor)
  end
  if KIND ~= '' and not kind then call('HSET', REGISTRY, 'kind', KIND) end
  if KIND ~= '' and kind and kind ~= KIND then
    error('the answers under this prefix are searched by vectors="' .. kind .. '"')
  end
  return tonumber(floor)
end

local FLOOR = open()  -- entries up to this id were cleared

-- [{id, version, chunk}]
local function unpacked(evidence)
  local found, at = {}, 1
  while at <= #evidence do
    local id, version, chunk
    id, version, chunk, at = struct.unpack('>I4c0I4c0I4c0', evidence, at)
    found[#found + 1] = {id = id, version = version, chunk = chunk}
  end
  return found
end

local function document(id)
  local row = call('HGET', REGISTRY, 'd:' .. id)
  if not row then return nil end
  local moved, withdrawn, declared, version = string.match(row, '^(%d+):(%d+):(%d):(.*)$')
  return {
    moved = tonumber(moved), withdrawn = tonumber(withdrawn), declared = declared == '1',
    version = version,
  }
end

local function changed(scope, sign, id)
  local name, stream = 's:' .. scope, P .. 's:' .. scope
  if call('HEXISTS', REGISTRY, name) == 0 then
    call('HSET', REGISTRY, name, call('HGET', REGISTRY, 'born'))
  end
  local number = call('HINCRBY', REGISTRY, name, 1)
  call('XADD', stream, 'MAXLEN', CHANGES_KEPT, whole(number) .. '-1', sign, id)
  call('EXPIRE', stream, CHANGES_SECONDS)
end

local function unindex(scope, dimensions, id)
  if KIND == 'sets' then
    call('VREM', P .. 'v:' .. scope .. ':' .. dimensions, id)
  elseif KIND == 'local' then
    changed(scope, '-', id)
  end
end

-- Remove an entry with all that belongs to it; 1 if it was there.
local function forget(id)
  local member = call('ZRANGEBYSCORE', ALL, id, id)[1]
  if not member then return call('UNLINK', P .. 'e:' .. id) end
  local scope, place, size, dimensions, value =
    string.match(member, '^%d+:(%x+):(%x+):(%d+):(%d+):?(%x*)$')
  if value ~= '' then call('SADD', P .. 'dropped', value) end
  for _, each in ipairs(unpacked(call('HGET', P .. 'e:' .. id, 'evidence') or '')) do
    call('SREM', P .. 'b:' .. each.id, id)
  end
  call('ZREM', ALL, member)
  call('ZREM', ENDS, id)
  call('ZREM', WORTH, id)
  call('ZREM', P .. 'i:' .. scope, id)
  call('HINCRBY', FACTS, 'bytes', -size)
  local question = P .. 'q:' .. scope .. ':' .. place
  if call('GET', question) == id then call('DEL', question) end
  if dimensions ~= '0' then unindex(scope, dimensions, id) end
  return call('UNLINK', P .. 'e:' .. id)
end

local function current(evidence, epoch)
  for _, each in ipairs(unpacked(evidence)) do
    local known = document(each.id)
    if known then
      if known.withdrawn > epoch then return false end
      if each.version ~= '' and known.version ~= '' then
        if each.version ~= known.version then return false end
      elseif known.moved > epoch then
        return false
      end
    end
  end
  return true
end

local function shared(users, user, min_users)
  if min_users <= 1 or #users / 16 >= min_users then return true end
  for at = 1, #users, 16 do
    if users:sub(at, at + 15) == user then return true end
  end
  return false
end

-- Whether an entry may be served; and, if not, whether it never will be.
local function servable(id, now, user, min_users)
  if tonumber(id) <= FLOOR then return false, true end
  local row = call('HMGET', P .. 'e:' .. id, 'ends', 'users', 'evidence', 'epoch')
  local ends = tonumber(row[1] or 0)
  if ends <= server_time() then return false, true end
  if ends <= now then return false, false end
  if not current(row[3], tonumber(row[4])) then return false, true end
  return shared(row[2], user, min_users), false
end

local function expires(key, ends)
  if ends < math.huge then call('PEXPIREAT', key, whole((ends + GRACE_SECONDS) * 1000)) end
end

-- A set lives as long as its last member.
local function expires_last(key, ends, is_new)
  local at = ends < math.huge and whole((ends + GRACE_SECONDS) * 1000)
  if not at then
    call('PERSIST', key)
  elseif is_new then
    call('PEXPIREAT', key, at)
  else
    call('PEXPIREAT', key, at, 'GT')
  end
end

local function worth(id, hits, cost, size)
  local inflation = tonumber(call('HGET', FACTS, 'inflation') or 0)
  call('ZADD', WORTH, inflation + (hits + 1) * cost / size, id)
end
