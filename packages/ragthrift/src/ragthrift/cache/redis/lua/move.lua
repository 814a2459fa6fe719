return move(ARGV[3], ARGV[4], true)
