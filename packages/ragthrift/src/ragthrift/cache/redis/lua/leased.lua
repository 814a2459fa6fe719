local held = call('GET', P .. 'l:' .. ARGV[3])
return held and string.match(held, '^%d+') == call('HGET', REGISTRY, 'cleared') and 1 or 0
