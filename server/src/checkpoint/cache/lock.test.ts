import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from './lock.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'takeoff-lock-'));
  path = join(folder, 'model.lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Of no process: Linux gives ids below 2^22. */
const NOBODY = 2 ** 22 + 1;
const hold = (over: object) =>
  writeFileSync(path, JSON.stringify({ host: hostname(), pid: 1, token: 't', ...over }));
const take = (signal?: AbortSignal) => {
  let waited = 0;
  return withLock(
    path,
    signal,
    () => (waited += 1),
    () => Promise.resolve(existsSync(path)),
  ).then((held) => ({ held, waited }));
};

describe('withLock', () => {
  it('holds the file while it works and removes it afterwards, also after a failure', async () => {
    expect(await take()).toEqual({ held: true, waited: 0 });
    expect(existsSync(path)).toBe(false);
    const failing = withLock(
      path,
      undefined,
      () => undefined,
      () => Promise.reject(new RangeError('work')),
    );
    await expect(failing).rejects.toThrow('work');
    expect(existsSync(path)).toBe(false);
  });

  it('lets one work after the other', async () => {
    const log: string[] = [];
    const work = (name: string) => () => {
      log.push(`${name} begins`);
      return Promise.resolve().then(() => log.push(`${name} ends`));
    };
    await Promise.all(
      ['a', 'b'].map((name) => withLock(path, undefined, () => log.push('waits'), work(name))),
    );
    expect(log.filter((line) => line !== 'waits').map((line) => line.slice(2))).toEqual([
      'begins',
      'ends',
      'begins',
      'ends',
    ]);
    expect(log).toContain('waits');
  });

  it('takes over at once from a process of this machine that is gone', async () => {
    hold({ pid: NOBODY });
    expect(await take()).toEqual({ held: true, waited: 1 });
  });

  it('takes over from a holder that has not touched its lock for long', async () => {
    for (const content of [{ host: 'elsewhere' }, { pid: process.pid }]) {
      hold(content);
      const longAgo = Date.now() / 1000 - 60;
      utimesSync(path, longAgo, longAgo);
      expect((await take()).held).toBe(true);
    }
    writeFileSync(path, 'no JSON');
    utimesSync(path, 1, 1);
    expect((await take()).held).toBe(true);
  });

  it('waits for a holder that lives, until it is cancelled', async () => {
    for (const content of [{ pid: process.ppid }, { host: 'elsewhere', pid: NOBODY }]) {
      hold(content);
      await expect(take(AbortSignal.abort())).rejects.toMatchObject({ code: 'checkpoint.cancelled' });
      expect(existsSync(path)).toBe(true);
    }
  });
});
