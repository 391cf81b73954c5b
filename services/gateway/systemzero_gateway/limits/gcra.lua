-- One decision of the generic cell rate algorithm over all of KEYS: from every bucket, or from none.
-- The arithmetic is that of gcra.py, in microseconds of the server's own clock.
--
-- KEYS  the buckets; each holds its theoretical arrival time (TAT) and is gone once it is full again
-- ARGV  the cost in units, then of each bucket: microseconds a unit, units at once, and units
--       of those that stay for others
-- Gives of each bucket three whole numbers: the units that remain, the microseconds until the call
-- would have passed (0: it does), and those until the bucket is full.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local stored = redis.call('MGET', unpack(KEYS))
local cost = tonumber(ARGV[1])
local passes = true
local before, starts, moves, excesses = {}, {}, {}, {}
for i = 1, #KEYS do
  local interval, burst = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local most = burst - tonumber(ARGV[3 * i + 1])
  before[i] = tonumber(stored[i] or 0)
  starts[i] = math.min(math.max(now, before[i]), now + interval * burst)
  moves[i] = starts[i] + interval * math.min(cost, most)
  excesses[i] = math.max(0, math.ceil(moves[i] - now - interval * most))
  passes = passes and excesses[i] == 0
end
local answer = {}
for i = 1, #KEYS do
  local interval, burst = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local tat = excesses[i] == 0 and moves[i] or starts[i]
  if passes or tat < before[i] then
    redis.call('SET', KEYS[i], string.format('%.3f', tat), 'PX', math.ceil((tat - now) / 1000) + 1)
  end
  table.insert(answer, math.floor((interval * burst - (tat - now)) / interval + 0.000001))
  table.insert(answer, excesses[i])
  table.insert(answer, math.ceil(tat - now))
end
return answer
