// What must happen in Redis all at once, as Lua. Sent by hash, and in full when the server does not know it: functions kept by the
// server would be lost with an empty one. Each script says what it answers. The streams' consumer group in the sense of Redis is
// `readers` everywhere; a consumer is a reader. A script that is asked again after a lost reply does no harm.
import { createHash } from 'node:crypto';
import { READERS_GROUP } from './keys.js';

export interface Script {
  readonly lua: string;
  readonly sha1: string;
}

/** Half of a script that was refused for want of memory would lose a request; and what they add is read and deleted at once. */
const EVEN_WITHOUT_MEMORY = '#!lua flags=allow-oom\n';

const plainScript = (lua: string): Script => ({ lua, sha1: createHash('sha1').update(lua).digest('hex') });
const script = (body: string): Script => plainScript(EVEN_WITHOUT_MEMORY + body);

/** Entries that wait for a process; older ones are dropped, and their gateway asks for them again. */
const MAX_ENTRIES = 20_000;
/** How long what was written for a process stays after its last sign of life. */
export const LEFTOVER_MS = 60_000;
const NOTE_MS = 60_000;

/** Adds a message to a stream; an empty one, for a process that may be gone, ends by itself. */
const ADD = `
local function add(key, message)
  local id = redis.call('XADD', key, 'MAXLEN', '~', ${MAX_ENTRIES}, '*', 'v', '1', 'm', message)
  redis.call('PEXPIRE', key, ${LEFTOVER_MS})
  return id
end
`;

/** The reader that has taken an entry and not begun it; nil when nobody has, also where stream or group are gone. */
const HOLDER = `
local function holder(stream, entry)
  local pending = redis.pcall('XPENDING', stream, '${READERS_GROUP}', entry, entry, 1)
  if pending.err or #pending == 0 then return nil end
  return pending[1][2], pending[1][4]
end
`;

/** Takes an entry away from everybody; 0 when it was not there. */
const REMOVE = `
local function remove(stream, entry)
  redis.pcall('XACK', stream, '${READERS_GROUP}', entry)
  return redis.call('XDEL', stream, entry)
end
`;

/**
 * submit(queue; most entries, message): its new entry, or nil when the queue is full. The only script that may find no memory.
 */
export const SUBMIT = plainScript(`
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end
return redis.call('XADD', KEYS[1], '*', 'v', '1', 'm', ARGV[2])
`);

/**
 * place(placed; message): its new entry in the stream of one reader, which ends some time after the last request in it.
 */
export const PLACE = script(`
local id = redis.call('XADD', KEYS[1], '*', 'v', '1', 'm', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ${LEFTOVER_MS})
return id
`);

/**
 * tell(stream of a process; message): its new entry.
 */
export const TELL = script(`${ADD}
return add(KEYS[1], ARGV[1])
`);

/**
 * begin(stream, events, note; entry, reader, announcement): 1 when the run is this reader's, and its gateway has been told so.
 */
export const BEGIN = script(`${ADD}${HOLDER}${REMOVE}
if redis.call('EXISTS', KEYS[3]) == 1 then return 1 end
if holder(KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if remove(KEYS[1], ARGV[1]) == 0 then return 0 end
add(KEYS[2], ARGV[3])
redis.call('SET', KEYS[3], '1', 'PX', ${NOTE_MS})
return 1
`);

/**
 * back(stream, events; entry, reader, announcement): 1 when the request was this reader's, and its gateway has it again.
 */
export const BACK = script(`${ADD}${HOLDER}${REMOVE}
if holder(KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if remove(KEYS[1], ARGV[1]) == 0 then return 0 end
add(KEYS[2], ARGV[3])
return 1
`);

/**
 * cancel(stream, prefix of control streams; entry, cancellation): 1 when the request had not begun. Whoever had taken it is told.
 */
export const CANCEL = script(`${ADD}${HOLDER}${REMOVE}
local reader = holder(KEYS[1], ARGV[1])
local removed = remove(KEYS[1], ARGV[1])
if removed == 1 and reader then add(KEYS[2] .. reader, ARGV[2]) end
return removed
`);

/**
 * check(events, stream…; mark, count, then stream's index and entry in turn): tells the gateway itself, behind everything that was told
 * before, which of these entries are gone. The mark comes back with it.
 */
export const CHECK = script(`${ADD}
local gone = {}
for i = 2, #ARGV, 2 do
  local found = redis.call('XRANGE', KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 1])
  if #found == 0 then gone[#gone + 1] = '"' .. ARGV[i + 1] .. '"' end
end
local told = '{"from":"","items":[{"kind":"gone","mark":' .. ARGV[1] .. ',"entries":[' .. table.concat(gone, ',') .. ']}]}'
return add(KEYS[1], told)
`);

/**
 * renew(stream; reader, entry…): the entries that are still this reader's, which nobody claims for a while now.
 */
export const RENEW = script(`${HOLDER}
local kept = {}
for i = 2, #ARGV do
  if holder(KEYS[1], ARGV[i]) == ARGV[1] then
    redis.call('XCLAIM', KEYS[1], '${READERS_GROUP}', ARGV[1], 0, ARGV[i], 'IDLE', 0, 'JUSTID')
    kept[#kept + 1] = ARGV[i]
  end
end
return kept
`);

/**
 * claim(queue; reader, least idle time, cursor, count): the next cursor, then entry, message and number of deliveries in turn. The
 * cursor is to be carried on: from the beginning, a small count never gets past the entries that live readers have.
 */
export const CLAIM = script(`${HOLDER}
local claimed = redis.call('XAUTOCLAIM', KEYS[1], '${READERS_GROUP}', ARGV[1], ARGV[2], ARGV[3], 'COUNT', ARGV[4])
local answer = { claimed[1] }
for _, entry in ipairs(claimed[2]) do
  local _, deliveries = holder(KEYS[1], entry[1])
  answer[#answer + 1] = entry[1]
  answer[#answer + 1] = entry[2][4]
  answer[#answer + 1] = deliveries
end
return answer
`);

/**
 * move(placed, queue; entry, message, whether its reader is gone): its new entry in the queue, or nil when its reader has taken it, or
 * nobody can take it any more.
 */
export const MOVE = script(`${HOLDER}${REMOVE}
if ARGV[3] ~= '1' and holder(KEYS[1], ARGV[1]) then return false end
if remove(KEYS[1], ARGV[1]) == 0 then return false end
return redis.call('XADD', KEYS[2], '*', 'v', '1', 'm', ARGV[2])
`);

/**
 * forget(queue, readers, lease; reader): 1 when the reader was dead and is off the list. One with entries that nobody has claimed yet
 * stays, because they would be lost with it.
 */
export const FORGET = script(`
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
local pending = redis.pcall('XPENDING', KEYS[1], '${READERS_GROUP}', '-', '+', 1, ARGV[1])
if not pending.err then
  if #pending > 0 then return 0 end
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], '${READERS_GROUP}', ARGV[1])
end
redis.call('SREM', KEYS[2], ARGV[1])
return 1
`);
