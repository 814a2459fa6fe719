-- What is written from now on by who looked before is marked; returns where to look for the rest.
call('HSET', REGISTRY, 'c:' .. ARGV[3], whole(next_epoch()))
local scopes = {}
for _, scope in ipairs(call('SMEMBERS', P .. 'c:' .. ARGV[3])) do
  if call('EXISTS', P .. 'i:' .. scope) == 1 then
    scopes[#scopes + 1] = scope
  else
    call('SREM', P .. 'c:' .. ARGV[3], scope)
  end
end
return scopes
