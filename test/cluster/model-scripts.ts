// The scripts once more, for the model of Redis: what each sentence in link/redis/scripts.ts says, in TypeScript. scripts.test.ts holds the
// Lua to the same sentences.
import {
  BACK,
  BEGIN,
  CANCEL,
  CHECK,
  CLAIM,
  MOVE,
  PLACE,
  RENEW,
  SUBMIT,
  TELL,
  type Script,
} from '../../server/src/link/redis/scripts.js';
import type { ModelRedis } from './model-redis.js';

type Body = (redis: ModelRedis, keys: readonly string[], args: readonly string[]) => unknown;

const submit: Body = (redis, [queue = ''], [bound, message = '']) =>
  redis.stream(queue).entries.size >= Number(bound) ? null : redis.add(queue, message);

const tell: Body = (redis, [stream = ''], [message = '']) => redis.add(stream, message);

const begin: Body = (
  redis,
  [stream = '', events = '', note = ''],
  [entry = '', reader, announcement = ''],
) => {
  if (redis.strings.has(note)) return 1;
  if (!takeBack(redis, stream, entry, reader)) return 0;
  redis.add(events, announcement);
  redis.strings.set(note, '1');
  return 1;
};

const back: Body = (redis, [stream = '', events = ''], [entry = '', reader, announcement = '']) => {
  if (!takeBack(redis, stream, entry, reader)) return 0;
  redis.add(events, announcement);
  return 1;
};

/** Removes an entry that is this reader's. */
function takeBack(redis: ModelRedis, key: string, entry: string, reader: string | undefined): boolean {
  const stream = redis.streams.get(key);
  return stream !== undefined && stream.holder(entry) === reader && stream.remove(entry);
}

const cancel: Body = (redis, [key = '', prefix = ''], [entry = '', cancellation = '']) => {
  const stream = redis.streams.get(key);
  const reader = stream?.holder(entry);
  if (stream?.remove(entry) !== true) return 0;
  if (reader !== undefined) redis.add(prefix + reader, cancellation);
  return 1;
};

const check: Body = (redis, keys, [mark, ...pairs]) => {
  const entries = pairs.filter((_, index) => index % 2 === 1);
  const gone = entries.filter((entry, index) => {
    const stream = redis.streams.get(keys[Number(pairs[index * 2]) - 1] ?? '');
    return stream?.entries.has(entry) !== true;
  });
  return redis.add(
    keys[0] ?? '',
    JSON.stringify({ from: '', items: [{ kind: 'gone', mark: Number(mark), entries: gone }] }),
  );
};

const renew: Body = (redis, [key = ''], [reader, ...entries]) => {
  const stream = redis.streams.get(key);
  const kept = entries.filter((entry) => stream?.holder(entry) === reader);
  for (const entry of kept) {
    const taken = stream?.pending.get(entry);
    if (taken !== undefined) taken.sinceMs = performance.now();
  }
  return kept;
};

const claim: Body = (redis, [key = ''], [reader = '', leastIdleMs, , count]) => {
  const stream = redis.streams.get(key);
  const nowMs = performance.now();
  const idle = [...(stream?.pending ?? [])]
    .filter(([, { sinceMs }]) => nowMs - sinceMs >= Number(leastIdleMs))
    .slice(0, Number(count));
  const answer: unknown[] = ['0-0'];
  for (const [entry, taken] of idle) {
    const message = stream?.entries.get(entry);
    if (message === undefined) {
      stream?.pending.delete(entry);
      continue;
    }
    taken.reader = reader;
    taken.deliveries += 1;
    taken.sinceMs = nowMs;
    answer.push(entry, message, taken.deliveries);
  }
  return answer;
};

const move: Body = (redis, [placed = '', queue = ''], [entry = '', message = '', isReaderGone]) => {
  const stream = redis.streams.get(placed);
  if (isReaderGone !== '1' && stream?.holder(entry) !== undefined) return null;
  return stream?.remove(entry) === true ? redis.add(queue, message) : null;
};

const named = (script: Script, name: string, body: Body) => [script.sha1, { name, body }] as const;

/** By the hash that they are sent by. */
export const MODEL_SCRIPTS: ReadonlyMap<string, { readonly name: string; readonly body: Body }> = new Map([
  named(SUBMIT, 'submit', submit),
  named(PLACE, 'place', tell),
  named(TELL, 'tell', tell),
  named(BEGIN, 'begin', begin),
  named(BACK, 'back', back),
  named(CANCEL, 'cancel', cancel),
  named(CHECK, 'check', check),
  named(RENEW, 'renew', renew),
  named(CLAIM, 'claim', claim),
  named(MOVE, 'move', move),
]);
