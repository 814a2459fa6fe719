return call('HGET', REGISTRY, 'epoch')
