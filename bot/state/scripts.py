"""The Lua scripts of the log: each is one atomic change. Arguments that are JSON are made and read by Python only.

Every script gets the keys of ``Keys.all`` and, as first argument, the conversation's id. A repeated change writes
something (``again``), because WAIT asks whether replicas have what this connection wrote last.
"""

from __future__ import annotations

PRELUDE = """
local log, meta, clients, lease, fence, turns, pending = unpack(KEYS, 1, 7)
local index = {bot = KEYS[8], queued = KEYS[9], agent = KEYS[10], closed = KEYS[11]}
local control = KEYS[12]
local id = ARGV[1]
local t = redis.call('TIME')
local now = string.format('%d.%06d', t[1], t[2])

local function again(name, field)
  redis.call('HSET', name, field, redis.call('HGET', name, field))
end

local function get(name) return redis.call('HGET', meta, name) or '' end
local function number(name) return tonumber(redis.call('HGET', meta, name) or '0') end

local function ensure(language, channel)
  if redis.call('HSETNX', meta, 'state', 'bot') == 1 then
    redis.call('HSET', meta, 'seq', 0, 'created', now, 'answered', 0, 'customer', 0,
               'language', language or '', 'channel', channel or '')
  end
end

local function append(kind, author, text, data)
  local seq = redis.call('HINCRBY', meta, 'seq', 1)
  redis.call('XADD', log, seq .. '-0', 'kind', kind, 'time', now, 'author', author, 'text', text, 'data', data)
  if kind == 'customer' or kind == 'bot' or kind == 'agent' then
    redis.call('HSET', meta, 'last_kind', kind, 'last_text', text)
  end
  if kind == 'customer' then
    if get('waiting') == '' then redis.call('HSET', meta, 'waiting', now) end
    redis.call('HINCRBY', meta, 'unanswered', 1)
    redis.call('HSET', meta, 'customer', seq)
  elseif kind == 'agent' or (kind == 'bot' and get('state') == 'bot') then
    redis.call('HSET', meta, 'waiting', '', 'unanswered', 0)
  end
  return seq
end

local function change(to, author, data)
  redis.call('ZREM', index[get('state')], id)
  redis.call('HSET', meta, 'state', to)
  if to == 'agent' then redis.call('HSET', meta, 'agent', author) else redis.call('HDEL', meta, 'agent') end
  if to == 'bot' then redis.call('HSET', meta, 'returned', now) end
  if to == 'queued' then redis.call('HSET', meta, 'queued', now, 'queued_seq', number('seq') + 1)
  else redis.call('HDEL', meta, 'queued', 'queued_seq') end
  if to == 'queued' and get('waiting') == '' then redis.call('HSET', meta, 'waiting', now) end
  if to == 'closed' then redis.call('HSET', meta, 'waiting', '', 'unanswered', 0) end
  return append('state', author, '', data)
end

local function mode_of(topics)
  local base = redis.call('HGET', control, 'base') or 'answer'
  if base == 'off' then return base end
  local strictest
  for topic in string.gmatch(topics, '[^\\n]+') do
    local mode = redis.call('HGET', control, 'topic:' .. topic) or base
    if mode == 'off' or (mode == 'suggest' and strictest ~= 'off') then strictest = mode
    elseif not strictest then strictest = mode end
  end
  return strictest or base
end

local function settle(seq)
  if seq > number('answered') then redis.call('HSET', meta, 'answered', seq) end
  if number('customer') > number('answered') then redis.call('ZADD', pending, 'XX', now, id)
  else redis.call('ZREM', pending, id) end
end

local function enqueue()
  redis.call('ZADD', pending, 'NX', now, id)
  redis.call('XADD', turns, '*', 'conversation', id)
  redis.call('PUBLISH', 'work', id)
end

local function tell()
  redis.call('HSET', meta, 'active', now)
  redis.call('ZADD', index[get('state')], now, id)
  redis.call('PUBLISH', 'changed', id)
end
"""

START = """
ensure(ARGV[2], ARGV[3])
if ARGV[2] ~= '' then redis.call('HSET', meta, 'language', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', meta, 'channel', ARGV[3]) end
return redis.call('HGETALL', meta)
"""
"""language, channel → meta. A known conversation keeps everything else."""

ACCEPT = """
local seen = redis.call('HGET', clients, ARGV[2])
if seen then
  again(clients, ARGV[2])
  local row = redis.call('XRANGE', log, seen .. '-0', seen .. '-0')[1]
  local same = true
  for i = 1, row and #row[2] or 0, 2 do
    if row[2][i] == 'text' and row[2][i + 1] ~= ARGV[3] then same = false end
  end
  return {tonumber(seen), same and 1 or 2}
end
ensure('', '')
if get('state') == 'bot' and number('customer') > number('answered') then
  if number('seq') - number('answered') >= tonumber(ARGV[6]) then return {-1, 'conversation'} end
elseif redis.call('ZCARD', pending) >= tonumber(ARGV[7]) then
  return {-1, 'all'}
end
if get('state') == 'closed' then change('bot', 'customer', ARGV[5]) end
local seq = append('customer', 'customer', ARGV[3], ARGV[4])
redis.call('HSET', clients, ARGV[2], seq)
enqueue()
tell()
return {seq, 0}
"""
"""client id, text, data, data of the reopening, entries that may stand behind the last answer, conversations of the
shard that may wait → {seq, 0 stored | 1 known | 2 known with another text}, or {-1, what is full}."""

APPEND = """
local seen = redis.call('HGET', clients, ARGV[2])
if seen then again(clients, ARGV[2]); return {tonumber(seen), 1} end
if redis.call('EXISTS', meta) == 0 then return {-1, 'unknown'} end
if ARGV[7] ~= '' and get('state') ~= ARGV[7] then return {-1, get('state')} end
local seq = append(ARGV[3], ARGV[4], ARGV[5], ARGV[6])
redis.call('HSET', clients, ARGV[2], seq)
if ARGV[3] == 'agent' then settle(number('customer')) end
tell()
return {seq, 0}
"""
"""client id, kind, author, text, data, state needed or empty → {seq, duplicate} or {-1, state}."""

MOVE = """
local seen = redis.call('HGET', clients, ARGV[2])
if seen then again(clients, ARGV[2]); return {tonumber(seen), get('state')} end
ensure('', '')
local state = get('state')
for i = 4, #ARGV, 3 do
  if ARGV[i] == state then
    local seq = change(ARGV[i + 1], ARGV[3], ARGV[i + 2])
    redis.call('HSET', clients, ARGV[2], seq)
    if ARGV[i + 1] == 'bot' and number('customer') > number('answered') then enqueue() end
    tell()
    return {seq, ARGV[i + 1]}
  end
end
return {-1, state}
"""
"""client id, actor, then (from, to, data) of each legal way → {seq, state}, or {-1, state} when refused."""

LEASE = """
ensure('', '')
local held = redis.call('GET', lease)
if held and string.sub(held, 1, #ARGV[2] + 1) ~= ARGV[2] .. ':' then
  redis.call('HSET', meta, 'contended', 1)
  return {-1}
end
local token = redis.call('INCR', fence)
redis.call('SET', lease, ARGV[2] .. ':' .. token, 'PX', ARGV[3])
local tries = 0
if ARGV[4] ~= '0' then
  if get('tried') == ARGV[4] then tries = redis.call('HINCRBY', meta, 'tries', 1)
  else tries = 1; redis.call('HSET', meta, 'tried', ARGV[4], 'tries', 1) end
end
return {token, tries, redis.call('HGETALL', meta), redis.call('HGET', control, 'version') or '0'}
"""
"""owner, milliseconds, seq of the message or 0 → {token, tries, meta, version of the switches} or {-1} when another
owner holds it. The same
owner gets it again at once: a worker that was killed and started anew under its name need not wait."""

RENEW = """
if redis.call('GET', lease) ~= ARGV[2] then return 0 end
return redis.call('PEXPIRE', lease, ARGV[3])
"""
"""owner:token, milliseconds → 1 or 0 when it is lost."""

RELEASE = """
if redis.call('GET', lease) == ARGV[2] then redis.call('DEL', lease) end
local contended = redis.call('HDEL', meta, 'contended') == 1
if contended and number('customer') > number('answered') then enqueue() end
return 1
"""
"""owner:token. Whoever found the lease taken has dropped its work: it is enqueued again here."""

COMMIT = """
local token, seq = tonumber(ARGV[2]), tonumber(ARGV[3])
if get('committed') == ARGV[2] then again(meta, 'committed'); return {2, get('state')} end
if tonumber(redis.call('GET', fence) or '0') ~= token then return {0, 'lease'} end
local state = get('state')
local mine = state == 'bot'
local mode = (mine and ARGV[10] ~= '') and mode_of(ARGV[10]) or 'answer'
local done = number(mine and 'answered' or 'turned')
if seq > number('customer') or (seq > 0 and seq <= done) then return {0, 'answered'} end
if seq == 0 and number('customer') > number('answered') then return {0, 'pending'} end
if ARGV[4] ~= '' then
  seq = append('customer', 'customer', ARGV[5], ARGV[6])
  redis.call('HSET', clients, ARGV[4], seq)
end
local kind = mine and 'bot' or 'suppressed'
if mode ~= 'answer' then
  local turned = (redis.call('HGET', control, 'version') or '0') ~= ARGV[11]
  kind = mode == 'suggest' and 'suggested' or (turned and 'suppressed' or '')
  append('unsaid', 'bot', '', ARGV[8])
elseif mine or ARGV[7] == '1' then append('turn', 'bot', '', ARGV[8]) end
for i = 15, #ARGV, 2 do if kind ~= '' then append(kind, 'bot', ARGV[i], ARGV[i + 1]) end end
if mode ~= 'answer' then
  append('bot', 'bot', ARGV[12], ARGV[13])
  change('queued', 'bot', ARGV[9] ~= '' and ARGV[9] or ARGV[14])
elseif mine and ARGV[9] ~= '' then change('queued', 'bot', ARGV[9]) end
if seq > 0 then settle(seq) end
redis.call('HSET', meta, 'committed', ARGV[2], 'turned', seq)
tell()
return {1, state}
"""
"""token, seq or 0, client id and text and data of a customer's message to append first (client id may be empty),
whether a turn overtaken by an agent keeps its events, data of the turn entry, data of the hand-off or empty, topics by
lines (empty: the switches do not matter), version of the switches when the turn began, text and data of what the
customer is told and data of the hand-off where the switches keep the bot from speaking, then (text, data) of each
reply → {1 committed | 2 was already | 0 refused, state before or reason}. An overtaken message
may be settled already (an agent replied); its turn is still committed once, for the events."""

FAIL = """
local seq = tonumber(ARGV[2])
if seq <= number('answered') then return 0 end
local state = get('state')
if state == 'bot' or state == 'queued' then append('failure', 'system', ARGV[3], ARGV[4]) end
if state == 'bot' then change('queued', 'system', ARGV[5]) end
settle(seq)
tell()
return 1
"""
"""seq, text, data, data of the hand-off → 1, or 0 when it has an outcome already. Where a person has taken over, the
message is theirs, and nothing is said beside them."""

ENQUEUE = """
if number('customer') > number('answered') then
  enqueue()
  redis.call('ZADD', pending, 'XX', now, id)
else
  redis.call('ZREM', pending, id)
end
return 1
"""
"""For the sweeper: enqueues what is unanswered and lets it wait anew."""

SETTLE = """
local seq = tonumber(ARGV[2])
if get('state') == 'bot' or seq <= number('answered') then return 0 end
if redis.call('EXISTS', lease) == 1 then
  redis.call('HSET', meta, 'contended', 1)
  return 0
end
settle(seq)
return 1
"""
"""seq → 1 if the message now counts as passed on to the agent; 0 while a turn still runs, whose end enqueues it."""

CLAIM = """
local first = tonumber(ARGV[3])
for i = 0, #KEYS - 1 do
  local key = KEYS[(first + i) % #KEYS + 1]
  local got = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', key, '>')
  if got then
    local entry = got[1][2][1]
    return {entry[1], entry[2][2]}
  end
end
return false
"""
"""Keys are all queues; group, consumer, index to begin at → {entry id, conversation} of one, or nothing."""

MEMBERS = """
local all = {}
for _, key in ipairs(KEYS) do
  for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do all[#all + 1] = id end
end
return all
"""
"""Keys are the indexes of one shard → its conversations, at one moment: a move between two states hides none."""

GROUP = """
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP') then return made end
return 1
"""
"""Key is a queue; group. A script, since redis-py does not know where in a Cluster an XGROUP belongs."""

FORGET = "return redis.pcall('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])"
"""Key is a queue; group, consumer."""
