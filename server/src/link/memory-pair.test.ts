import { expect, it } from 'vitest';
import { createMemoryPair } from './memory-pair.js';
import type { FromReader, ToReader } from './messages.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const log = (message: string): FromReader => ({ kind: 'log', level: 'info', message });

it('delivers copies, in order and never inside send', async () => {
  const { gatewayEnd, readerEnd } = createMemoryPair();
  const received: ToReader[] = [];
  readerEnd.onMessage((message) => received.push(message));
  const first = { kind: 'cancel', requestId: 'a' } as const;
  gatewayEnd.send(first);
  gatewayEnd.send({ kind: 'drain' });
  expect(received).toEqual([]);
  await turn();
  expect(received).toEqual([first, { kind: 'drain' }]);
  expect(received[0]).not.toBe(first);
});

it('keeps what came before anybody listened', async () => {
  const { gatewayEnd, readerEnd } = createMemoryPair();
  readerEnd.send(log('1'));
  readerEnd.send(log('2'));
  await turn();
  const received: FromReader[] = [];
  gatewayEnd.onMessage((message) => received.push(message));
  expect(received).toEqual([log('1'), log('2')]);
});

it('delivers what was sent before it closed, tells both ends once, and drops what comes later', async () => {
  const { gatewayEnd, readerEnd } = createMemoryPair();
  const heard: string[] = [];
  gatewayEnd.onMessage((message) => heard.push(message.kind));
  gatewayEnd.onClose(() => heard.push('closed'));
  readerEnd.send(log('last words'));
  readerEnd.close();
  gatewayEnd.close();
  readerEnd.send(log('too late'));
  await turn();
  expect(heard).toEqual(['log', 'closed']);
  const late: string[] = [];
  readerEnd.onClose((reason) => late.push(reason));
  expect(late).toEqual(['closed']);
});
