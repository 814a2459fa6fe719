-- The sealed lock that a key must open, and where vectors are searched so far.
call('EXPIRE', P .. 'none', 1, 'GT')  -- an error before Redis 7
call('SET', P .. 'lock', ARGV[3], 'NX')
return {call('GET', P .. 'lock'), call('HGET', REGISTRY, 'kind') or ''}
