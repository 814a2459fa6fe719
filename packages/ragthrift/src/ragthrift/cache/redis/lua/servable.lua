local serve = servable(ARGV[3], tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]))
return serve and 1 or 0
