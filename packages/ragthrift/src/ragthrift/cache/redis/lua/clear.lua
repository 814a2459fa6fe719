call('HSET', REGISTRY, 'cleared', whole(next_epoch()), 'floor', call('HGET', REGISTRY, 'last'))
return 1
