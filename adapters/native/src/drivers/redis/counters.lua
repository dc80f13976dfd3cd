-- What does one call do to the counters? All of it happens at once: Redis runs one script at a time.
--
-- Values are decimal texts. A number of Lua is a float, and exact up to 2^53 only; beyond that Redis itself adds. Times are
-- milliseconds, which a float holds. They come from the caller; only how long a key is kept is measured by Redis.

local base, task, now, turn, at = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), 4
local begun, loader = base .. '/begun', base .. '/loader'
local names, ends, open = base .. '/names', base .. '/ends', base .. '/open'

local MOST, LEAST = '9223372036854775807', '-9223372036854775808'
-- Texts of up to 15 digits and their sums are exact floats.
local EXACT = 15
-- Clocks differ, and a counter that is late to go harms nobody.
local SLACK = 60 * 1000
local HOUR = 60 * SLACK
local WEEK = 7 * 24 * HOUR
local LONGEST = 520 * WEEK
local LOADING = 10 * 1000
local PAGE = 500

local function take()
  at = at + 1
  return ARGV[at - 1]
end

local function counter(name) return base .. '/counter/' .. name end
local function reservation(id) return base .. '/reservation/' .. id end
local function late(id) return base .. '/late/' .. id end
local function text(number) return string.format('%.0f', number) end

local function plus(a, b)
  if #a <= EXACT and #b <= EXACT then return text(a + b) end
  local sum = base .. '/sum'
  redis.call('SET', sum, a)
  local outcome = redis.pcall('INCRBY', sum, b)
  local value = redis.call('GET', sum)
  redis.call('DEL', sum)
  if type(outcome) == 'table' then return string.sub(b, 1, 1) == '-' and LEAST or MOST end
  return value
end

local function minus(a)
  if a == '0' then return a end
  return string.sub(a, 1, 1) == '-' and string.sub(a, 2) or '-' .. a
end

local function less(a, b)
  local below_a, below_b = string.sub(a, 1, 1) == '-', string.sub(b, 1, 1) == '-'
  if below_a ~= below_b then return below_a end
  if below_a then a, b = b, a end
  if #a ~= #b then return #a < #b end
  return a < b
end

local function lifetime(ends_at)
  return math.min(math.max(ends_at - now, 0) + SLACK, LONGEST)
end

-- A key that many share is kept as long as the one who needs it longest.
local function keep(key, time)
  if redis.call('PTTL', key) < time then redis.call('PEXPIRE', key, text(time)) end
end

local function live(name)
  local held = redis.call('HMGET', counter(name), 'value', 'ends')
  if held[2] and tonumber(held[2]) > now then return held[1], tonumber(held[2]) end
  return '0', nil
end

local function put(name, value, ends_at)
  local key, time = counter(name), lifetime(ends_at)
  redis.call('HSET', key, 'value', value, 'ends', text(ends_at))
  redis.call('PEXPIRE', key, text(time))
  redis.call('ZADD', names, 0, name)
  redis.call('ZADD', ends, text(ends_at), name)
  keep(names, time)
  keep(ends, time)
end

local function forget(name)
  redis.call('DEL', counter(name))
  redis.call('ZREM', names, name)
  redis.call('ZREM', ends, name)
end

local function adds()
  local list = {}
  while at <= #ARGV do
    local one = {}
    one.name, one.by, one.floor, one.cap = take(), take(), take(), take()
    one.ends = tonumber(take())
    list[#list + 1] = one
  end
  return list
end

-- All of them, or none and the first one without room.
local function add(list)
  local before, value, ends_at = {}, {}, {}
  for _, one in ipairs(list) do
    local name = one.name
    if not value[name] then
      value[name], ends_at[name] = live(name)
      before[name] = value[name]
    end
    local from = value[name]
    if one.floor ~= '' and less(from, one.floor) then from = one.floor end
    value[name] = plus(from, one.by)
    ends_at[name] = math.max(ends_at[name] or one.ends, one.ends)
  end
  for _, one in ipairs(list) do
    if one.cap ~= '' and less(one.cap, value[one.name]) then
      return { 'refused', one.name, before[one.name] }
    end
  end
  for name, new in pairs(value) do put(name, new, ends_at[name]) end
  local told = { 'added' }
  for _, one in ipairs(list) do told[#told + 1] = value[one.name] end
  return told
end

-- Takes off the counters what a request had reserved.
local function release(id)
  local held = redis.call('HGETALL', reservation(id))
  for field = 1, #held, 2 do
    local key = counter(string.match(held[field], '^[^/]*/[^/]*/(.*)$'))
    local value = redis.call('HGET', key, 'value')
    if value then redis.call('HSET', key, 'value', plus(value, minus(held[field + 1]))) end
  end
  redis.call('DEL', reservation(id))
  redis.call('ZREM', open, id)
end

local function reserve()
  local id, part, until_ms = take(), take(), tonumber(take())
  local list, key = adds(), reservation(id)
  if redis.call('HEXISTS', key, part .. '/1/' .. list[1].name) == 1 then
    -- Its answer was lost the first time.
    local told = { 'added' }
    for _, one in ipairs(list) do told[#told + 1] = live(one.name) end
    return told
  end
  local told = add(list)
  if told[1] == 'added' then
    for place, one in ipairs(list) do
      redis.call('HSET', key, part .. '/' .. place .. '/' .. one.name, one.by)
    end
    local latest = math.max(tonumber(redis.call('ZSCORE', open, id) or 0), until_ms)
    redis.call('ZADD', open, text(latest), id)
    -- Upkeep gives back what is abandoned, and comes long before this.
    keep(key, lifetime(latest) + WEEK)
    keep(open, lifetime(latest) + WEEK)
  end
  return told
end

-- What is settled is not there any more, so that a second time nothing happens. One that was given up leaves a mark: what
-- it has used counts all the same.
local function settle()
  local id = take()
  if redis.call('EXISTS', reservation(id)) == 0 and redis.call('DEL', late(id)) == 0 then
    return { 'settled' }
  end
  for _, one in ipairs(adds()) do add({ one }) end
  release(id)
  return { 'settled' }
end

local function read()
  local told = { 'read' }
  while at <= #ARGV do told[#told + 1] = live(take()) end
  return told
end

local function list()
  local begin, limit = take(), tonumber(take())
  local from, to, told = '[' .. begin, '[' .. begin .. '\255', { 'live' }
  while true do
    local page = redis.call('ZRANGEBYLEX', names, from, to, 'LIMIT', 0, PAGE)
    for _, name in ipairs(page) do
      local value, ends_at = live(name)
      if ends_at then
        if limit == 0 then return told end
        limit = limit - 1
        told[#told + 1], told[#told + 2], told[#told + 3] = name, value, text(ends_at)
      end
    end
    if #page < PAGE then return told end
    from = '(' .. page[PAGE]
  end
end

-- A page at a time: nobody is kept waiting for long.
local function expire()
  local abandoned = redis.call('ZRANGEBYSCORE', open, '-inf', text(now), 'LIMIT', 0, PAGE)
  for _, id in ipairs(abandoned) do
    release(id)
    redis.call('SET', late(id), '', 'PX', text(24 * HOUR))
  end
  local gone = redis.call('ZRANGEBYSCORE', ends, '-inf', text(now), 'LIMIT', 0, PAGE)
  for _, name in ipairs(gone) do forget(name) end
  local more = #abandoned == PAGE or #gone == PAGE
  return { 'expired', text(#gone), more and '1' or '0' }
end

-- What is here is as old as this: the store says with a number how often somebody else has counted meanwhile.
local function age() return tonumber(redis.call('GET', begun) or '') end

-- Nobody counts before all is there, and one loads at a time. What was there before belongs to a time of which nothing is
-- known any more.
local function load()
  local token, step = take(), take()
  if (age() or -1) >= turn then return { 'loaded' } end
  if step == 'first' then
    if not redis.call('SET', loader, token, 'NX', 'PX', LOADING) then return { 'busy' } end
    for _, id in ipairs(redis.call('ZRANGE', open, 0, -1)) do redis.call('DEL', reservation(id)) end
    for _, name in ipairs(redis.call('ZRANGE', names, 0, -1)) do redis.call('DEL', counter(name)) end
    redis.call('DEL', begun, open, names, ends)
    return { 'more' }
  end
  if redis.call('GET', loader) ~= token then return { 'busy' } end
  redis.call('PEXPIRE', loader, LOADING)
  while at <= #ARGV do
    local name, value, ends_at = take(), take(), tonumber(take())
    put(name, value, ends_at)
  end
  if step ~= 'last' then return { 'more' } end
  redis.call('SET', begun, text(turn), 'PX', HOUR)
  redis.call('DEL', loader)
  return { 'loaded' }
end

if task == 'load' then return load() end
local held = age()
if not held or held < turn then
  -- Nothing is known of what was reserved, either.
  if task == 'settle' then return { 'settled' } end
  return { 'begin' }
end
redis.call('PEXPIRE', begun, HOUR)
-- Somebody else has counted since the caller was here, and what it holds is not known any more.
if held > turn then return { 'turned', text(held) } end
if task == 'add' then return add(adds()) end
if task == 'reserve' then return reserve() end
if task == 'settle' then return settle() end
if task == 'read' then return read() end
if task == 'live' then return list() end
if task == 'expire' then return expire() end
return redis.error_reply('there is no such task')
