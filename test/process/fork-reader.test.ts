// Readers as child processes that misbehave in ways the real program does not on demand: each program is a few lines of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { forkReaders } from '../../server/src/gateway/readers/fork-reader.js';
import type { ReaderProcess } from '../../server/src/gateway/readers/reader-process.js';
import { START } from '../../server/src/gateway/readers/scripted-reader.fixture.js';
import { NO_SECRETS } from '../../server/src/link/secrets.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-fork-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Launched {
  readonly reader: ReaderProcess;
  /** Messages and printed lines of the reader, in the order of arrival. */
  readonly heard: string[];
  readonly closed: Promise<string>;
}

function launch(name: string, source: string): Launched {
  const program = path.join(folder, `${name}.mjs`);
  writeFileSync(program, source);
  const heard: string[] = [];
  const reader = forkReaders(program)(START, NO_SECRETS, (line) => heard.push(`printed: ${line}`));
  reader.connection.onMessage((message) => heard.push(`said: ${message.kind}`));
  const closed = new Promise<string>((resolve) => reader.connection.onClose(resolve));
  return { reader, heard, closed };
}

it('forkReaders delivers the last message and the last lines of a reader that dies', async () => {
  const { reader, heard } = launch(
    'dying',
    `process.on('message', ({ kind, start }) => {
       if (kind !== 'start') return;
       process.stdout.write('to stdout\\n');
       process.stderr.write(kind + ' of ' + start.readerId + ': assertion failed');
       process.send({ kind: 'failed', code: 'native.call_failed', message: 'x' }, () => process.kill(process.pid, 'SIGABRT'));
     });`,
  );
  expect(await reader.ended).toBe('its process ended by SIGABRT');
  expect(heard).toContain('said: failed');
  await expect
    .poll(() => heard.toSorted())
    .toEqual(['printed: start of reader1: assertion failed', 'printed: to stdout', 'said: failed']);
});

it('forkReaders closes the connection of a reader that sends an invalid message, and kills it with SIGKILL', async () => {
  const { reader, heard, closed } = launch(
    'lying',
    `process.on('SIGTERM', () => undefined);
     setInterval(() => undefined, 1000);
     process.once('message', () => process.send({ kind: 'ready', card: { contextTokens: 'all' } }));`,
  );
  expect(await closed).toBe('it sent a message of a shape that does not exist');
  reader.kill();
  expect(await reader.ended).toBe('its process ended by SIGKILL');
  expect(heard).toEqual([]);
});

it('forkReaders reports the exit code of a reader that ended by itself', async () => {
  const { reader } = launch('leaving', 'process.exit(3);');
  expect(await reader.ended).toBe('its process ended with code 3');
});
