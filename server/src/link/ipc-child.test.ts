import { expect, it } from 'vitest';
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
      setImmediate(done);
      return true;
    },
  };
  return { gateway: connectToGateway(channel as unknown as ChildChannel), channel, writes };
}

const token = (text: string): FromReader => ({ kind: 'token', requestId: 'r', prompt: 0, text });
const log = (message: string): FromReader => ({ kind: 'log', level: 'info', message });
const inOneTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('writes the tokens of a step at once, and those of the next step in a write of their own', async () => {
  const { gateway, writes } = connect();
  for (const text of ['a', 'b', 'c']) gateway.send(token(text));
  expect(writes).toEqual([]);
  await inOneTurn();
  gateway.send(token('d'));
  await inOneTurn();
  expect(writes).toEqual([[token('a'), token('b'), token('c')], [token('d')]]);
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
