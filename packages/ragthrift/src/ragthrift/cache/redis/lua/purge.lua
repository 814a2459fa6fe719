-- Free some of what was cleared; how much it was.
local gone = sweep(SWEPT, '')
local embedded = call('ZPOPMIN', P .. 'embedded', SWEPT)
for at = 1, #embedded, 2 do call('UNLINK', P .. 'm:' .. embedded[at]) end
return gone + #embedded
