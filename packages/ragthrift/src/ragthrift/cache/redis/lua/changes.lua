-- What came and went in a scope since a change: {the last one's number, whether to start over, ...}
-- Numbers are never given twice, and one that is missing was trimmed or lost with the server.
local scope, last = ARGV[3], tonumber(ARGV[4])
local newest = fact('s:' .. scope)
if last == newest then return {whole(newest), 0} end
local rows = call('XRANGE', P .. 's:' .. scope, whole(last + 1) .. '-0', '+')
if #rows ~= newest - last then return {whole(newest), 1} end
local found = {whole(newest), 0}
for _, row in ipairs(rows) do
  found[#found + 1] = row[2][1]
  found[#found + 1] = row[2][2]
end
return found
