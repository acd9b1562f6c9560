-- Writes one portion and the mark of how far it goes, all or nothing.
--
-- Redis undoes nothing when a script fails half way, so everything that can go wrong is checked before the
-- first write. Numbers stay text: Lua's are doubles, exact to 2^53 only.
--
-- KEYS: cursor, initWorker, workers:reject:current, workers:accept:current, workers:lastShare,
--       successSolution:current
-- ARGV[1]: the portion as JSON; see `Portion`.
local portion = cjson.decode(ARGV[1])
local fields = { 'share', 'mark', 'block', 'block_hash', 'news', 'life' }

local found = redis.call('HMGET', KEYS[1], unpack(fields))
for index, field in ipairs(fields) do
    if (found[index] or '') ~= portion.expected[field] then
        return { 'moved', field }
    end
end

for index = 2, #KEYS do
    local kind = redis.call('TYPE', KEYS[index]).ok
    if kind ~= 'none' and kind ~= 'hash' then
        return { 'not a hash', KEYS[index] }
    end
end

local function fits(key, additions)
    for _, addition in ipairs(additions) do
        local now = redis.call('HGET', key, addition[1]) or '0'
        if not string.match(now, '^%-?%d+$') then
            return { 'not a number', key .. ' ' .. addition[1] }
        end
        -- Some way below 2^63, since this sum is not exact.
        if tonumber(now) + tonumber(addition[2]) > 9.2e18 then
            return { 'too large', key .. ' ' .. addition[1] }
        end
    end
end
local misfit = fits(KEYS[3], portion.refused) or fits(KEYS[4], portion.accepted)
if misfit then
    return misfit
end

for _, login in ipairs(portion.logins) do
    redis.call('HSET', KEYS[2], login[1], login[2])
end
for _, addition in ipairs(portion.refused) do
    redis.call('HINCRBY', KEYS[3], addition[1], addition[2])
end
for _, addition in ipairs(portion.accepted) do
    redis.call('HINCRBY', KEYS[4], addition[1], addition[2])
end
for _, share in ipairs(portion.last_shares) do
    local field, ip, rest = share[1], share[2], share[3]
    if ip == '' then
        -- The pool was started again since: the address it knew then.
        ip = string.match(redis.call('HGET', KEYS[5], field) or '', '^([^/]+)/') or '0.0.0.0'
    end
    redis.call('HSET', KEYS[5], field, ip .. '/' .. rest)
end
for _, solution in ipairs(portion.solutions) do
    redis.call('HSET', KEYS[6], solution[1], solution[2])
end

for _, field in ipairs(fields) do
    redis.call('HSET', KEYS[1], field, portion.reached[field])
end
return { 'ok', '' }
