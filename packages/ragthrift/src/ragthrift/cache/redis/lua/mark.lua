local marked = 0
for at = 3, #ARGV do
  if tonumber(ARGV[at]) > FLOOR and call('EXISTS', P .. 'e:' .. ARGV[at]) == 1 then
    call('HSET', P .. 'e:' .. ARGV[at], 'recheck', 1)
    marked = marked + 1
  end
end
return marked
