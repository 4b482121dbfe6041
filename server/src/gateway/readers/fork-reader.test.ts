import { expect, it } from 'vitest';
import { forkReaders } from './fork-reader.js';
import { START } from './scripted-reader.fixture.js';
import { NO_SECRETS } from '../../link/secrets.js';

it('gives a reader that has ended, and does not throw, when no process can be made', async () => {
  // Node refuses such a path by throwing, which is also how it reports that memory is short.
  const reader = forkReaders('reader\0.js')(START, NO_SECRETS, () => undefined);
  const closed = new Promise<string>((resolve) => reader.connection.onClose(resolve));
  expect(await closed).toBe('there is no process');
  expect(await reader.ended).toMatch(/^its process could not be started: .+/);
  expect(reader.pid).toBeUndefined();
  reader.connection.send({ kind: 'drain' });
  reader.kill();
});
