local epoch = next_epoch()
register(ARGV[3], '', false, epoch, epoch)
return drop(ARGV[3], nil)
