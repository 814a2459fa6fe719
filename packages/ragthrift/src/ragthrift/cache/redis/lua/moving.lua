-- Documents and their versions, as in ragthrift.cache.registry.

local function next_epoch() return call('HINCRBY', REGISTRY, 'epoch', 1) end

local function register(id, version, declared, moved, withdrawn)
  local flag = declared and ':1:' or ':0:'
  call('HSET', REGISTRY, 'd:' .. id, whole(moved) .. ':' .. whole(withdrawn) .. flag .. version)
end

-- Forget what was built from a document, but not from the version that is kept.
local function drop(id, kept)
  local gone = 0
  for _, entry in ipairs(call('SMEMBERS', P .. 'b:' .. id)) do
    local built_from, stays = call('HGET', P .. 'e:' .. entry, 'evidence'), kept ~= nil
    for _, each in ipairs(unpacked(built_from or '')) do
      if each.id == id and each.version ~= kept then stays = false end
    end
    if not (built_from and stays) then
      local was_there = forget(entry)
      if tonumber(entry) > FLOOR then gone = gone + was_there end
      call('SREM', P .. 'b:' .. id, entry)
    end
  end
  return gone
end

local function move(id, version, declared)
  local known = document(id)
  if known and known.version == version then
    register(id, version, declared or known.declared, known.moved, known.withdrawn)
    return 0
  end
  register(id, version, declared, next_epoch(), known and known.withdrawn or 0)
  return drop(id, version)
end
