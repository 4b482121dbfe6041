import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectToGateway, type ChildChannel, type GatewayConnection } from './ipc-child.js';
import { unpack } from './ipc-text.js';
import type { FromReader } from './messages.js';

interface Connected {
  readonly gateway: GatewayConnection;
  readonly channel: { connected: boolean };
  /** What each write to the channel held. */
  readonly writes: FromReader[][];
}

function connect(): Connected {
  const writes: FromReader[][] = [];
  const channel = {
    connected: true,
    send: (packed: unknown, done: () => void) => {
      writes.push(unpack(packed) as FromReader[]);
      queueMicrotask(done);
      return true;
    },
  };
  return { gateway: connectToGateway(channel as unknown as ChildChannel), channel, writes };
}

const token = (text: string): FromReader => ({ kind: 'token', requestId: 'r', prompt: 0, text });
const log = (message: string): FromReader => ({ kind: 'log', level: 'info', message });
const DONE: FromReader = {
  kind: 'done',
  requestId: 'r',
  prompt: 0,
  finishReason: 'stop',
  usage: { promptTokens: 1, imageTokens: 0, cachedTokens: 0, generatedTokens: 2 },
  times: { visionMs: 0, prefillMs: 0, decodeMs: 0 },
};
const stepEnds = (): Promise<void> => Promise.resolve();

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('writes the tokens of a step as one list, and those of a later step as another', async () => {
  const { gateway, writes } = connect();
  for (const text of ['a', 'b', 'c']) gateway.send(token(text));
  expect(writes).toEqual([]);
  await stepEnds();
  expect(writes).toEqual([[token('a'), token('b'), token('c')]]);
  vi.advanceTimersByTime(5);
  gateway.send(token('d'));
  await stepEnds();
  expect(writes.slice(1)).toEqual([[token('d')]]);
});

it('gathers the tokens of steps that follow each other at once, for a millisecond at most', async () => {
  const { gateway, writes } = connect();
  for (const text of ['a', 'b', 'c']) {
    gateway.send(token(text));
    await stepEnds();
  }
  expect(writes).toEqual([[token('a')]]);
  vi.advanceTimersByTime(1);
  expect(writes).toEqual([[token('a')], [token('b'), token('c')]]);
  vi.advanceTimersByTime(5);
  expect(writes).toHaveLength(2);
});

it('writes the end of an answer with its step, and the tokens that were gathered before it', async () => {
  const { gateway, writes } = connect();
  for (const message of [token('a'), token('b'), DONE]) {
    gateway.send(message);
    await stepEnds();
  }
  expect(writes).toEqual([[token('a')], [token('b'), DONE]]);
});

it('writes anything else before it returns, behind the tokens that came before', () => {
  const { gateway, writes } = connect();
  gateway.send(token('a'));
  gateway.send(log('loading'));
  expect(writes).toEqual([[token('a'), log('loading')]]);
});

it('is flushed when the channel has taken all that was said', async () => {
  const { gateway, writes } = connect();
  gateway.send(token('a'));
  await gateway.flushed();
  expect(writes[0]?.[0]).toEqual(token('a'));
});

it('is flushed at once when the gateway is gone, and says nothing any more', async () => {
  const { gateway, channel, writes } = connect();
  channel.connected = false;
  gateway.send(token('a'));
  await gateway.flushed();
  expect(writes).toEqual([]);
});
