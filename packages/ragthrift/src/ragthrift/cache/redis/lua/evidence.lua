return call('HGET', P .. 'e:' .. ARGV[3], 'evidence') or ''
