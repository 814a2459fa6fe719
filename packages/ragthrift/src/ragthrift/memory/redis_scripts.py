"""What a transcript does inside a Redis server: each script is one step, all of it or nothing."""

from ragthrift.redis_connection import Script

APPEND = Script.of("""
-- KEYS: turns, view. ARGV: 1 if the talk begins here, 1 if the session is listed, then id and value
-- of each turn. An id is made from all that went before: behind one that is kept, all others are.
if ARGV[2] ~= '1' and redis.call('HEXISTS', KEYS[2], 'head') == 0 then return 0 end
local first = #ARGV + 1
while first > 3 and redis.call('HEXISTS', KEYS[1], ARGV[first - 2]) == 0 do first = first - 2 end
if first == 3 and ARGV[1] ~= '1' then return 0 end
for at = first, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
return 1 + redis.call('HSET', KEYS[2], 'head', ARGV[#ARGV - 1])
""")
"""Gives 2 where a session begins, else 1; 0, and does nothing, where it must be listed first or
turns from further back are needed."""

SAVE_VIEW = Script.of("""
-- KEYS: view. ARGV: version, state.
local kept = redis.call('HMGET', KEYS[1], 'version', 'state')
if kept[1] == ARGV[1] and kept[2] == ARGV[2] then return 1 end  -- asked again: no answer came
if tonumber(kept[1] or 0) ~= ARGV[1] - 1 then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'state', ARGV[2])
return 1
""")

SPEND = Script.of("""
-- KEYS: account. ARGV: name and number of each sum.
for at = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[at], ARGV[at + 1]) end
""")

RELEASE = Script.of("""
-- KEYS: lease. ARGV: token.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
""")
"""A lease that ran out and went to another stays theirs."""
