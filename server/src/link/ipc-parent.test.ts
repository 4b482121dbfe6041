import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { packFromReader } from './ipc-text.js';
import { connectToReader } from './ipc-parent.js';
import type { ReaderConnection } from './connection.js';
import { NOTHING_COUNTED } from './lifecycle/reader-counts.js';

/** A child process as far as its channel goes. */
class Channel extends EventEmitter {
  connected = true;
  readonly sent: unknown[] = [];

  send(message: unknown): void {
    this.sent.push(message);
  }

  disconnect(): void {
    this.connected = false;
    this.emit('disconnect');
  }
}

interface Connected {
  readonly channel: Channel;
  readonly connection: ReaderConnection;
  /** Kinds of messages and reasons of closing, in order. */
  readonly heard: string[];
}

function connect(): Connected {
  const channel = new Channel();
  const connection = connectToReader(channel as unknown as ChildProcess);
  const heard: string[] = [];
  connection.onMessage((message) => heard.push(message.kind));
  connection.onClose((reason) => heard.push(reason));
  return { channel, connection, heard };
}

it('passes messages of a known shape on', () => {
  const { channel, heard } = connect();
  channel.emit('message', {
    kind: 'heartbeat',
    running: 0,
    steps: 0,
    counts: NOTHING_COUNTED,
  });
  expect(heard).toEqual(['heartbeat']);
});

it('takes a list of messages one by one, and none behind one of an unknown shape', () => {
  const { channel, heard } = connect();
  const token = { kind: 'token', requestId: 'r', prompt: 0, text: 'x' };
  channel.emit('message', [token, { ...token, kind: 'done?' }, token]);
  expect(heard).toEqual(['token', 'it sent a message of a shape that does not exist']);
});

it('takes what was packed as text, and closes the connection of a reader whose text is no JSON', () => {
  const { channel, heard } = connect();
  const token = { kind: 'token', requestId: 'r', prompt: 0, text: 'x' } as const;
  channel.emit('message', packFromReader([token, token]));
  channel.emit('message', '[{"kind":"token"');
  expect(heard).toEqual(['token', 'token', 'it sent a message of a shape that does not exist']);
});

it('closes the connection of a reader that sends anything else, and hears no more of it', () => {
  const { channel, heard } = connect();
  channel.emit('message', { kind: 'token', requestId: 'r', prompt: '0', text: 'x' });
  channel.emit('message', { kind: 'heartbeat', running: 0, steps: 0 });
  expect(heard).toEqual(['it sent a message of a shape that does not exist']);
  expect(channel.connected).toBe(false);
});

it('closes when the channel ends', () => {
  const { channel, connection, heard } = connect();
  channel.disconnect();
  connection.send({ kind: 'drain' });
  expect(heard).toEqual(['its connection ended']);
  expect(channel.sent).toEqual([]);
});

it('sends while the channel is open', () => {
  const { channel, connection } = connect();
  connection.send({ kind: 'drain' });
  expect(channel.sent).toEqual([{ kind: 'drain' }]);
});

it('closes when the process could not be started', () => {
  const { channel, heard } = connect();
  channel.connected = false;
  channel.emit('error', new Error('spawn ENOENT'));
  expect(heard).toEqual(['the process failed: spawn ENOENT']);
});
