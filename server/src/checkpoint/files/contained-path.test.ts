import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containedPath, isPlainName } from './contained-path.js';
import { PositionalFile } from './positional-file.js';

describe('containedPath', () => {
  let root: string;
  let folder: string;
  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'takeoff-contained-')));
    folder = join(root, 'model');
    mkdirSync(folder);
    writeFileSync(join(folder, 'shard.bin'), 'x');
    writeFileSync(join(root, 'secret'), 'x');
    symlinkSync(join(root, 'secret'), join(folder, 'outside.bin'));
    symlinkSync('shard.bin', join(folder, 'inside.bin'));
    symlinkSync('nowhere', join(folder, 'dangling.bin'));
    mkdirSync(join(root, 'models--a--b', 'blobs'), { recursive: true });
    mkdirSync(join(root, 'models--a--b', 'snapshots', 'abc'), { recursive: true });
    writeFileSync(join(root, 'models--a--b', 'blobs', 'hash'), 'x');
    symlinkSync('../../blobs/hash', join(root, 'models--a--b', 'snapshots', 'abc', 'model.bin'));
    symlinkSync('../../../secret', join(root, 'models--a--b', 'snapshots', 'abc', 'evil.bin'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('finds files and links that stay in the folder', async () => {
    expect(await containedPath(folder, 'shard.bin', 'index')).toBe(join(folder, 'shard.bin'));
    expect(await containedPath(folder, 'inside.bin', 'index')).toBe(join(folder, 'shard.bin'));
  });

  it('refuses links that lead out and names that are paths', async () => {
    await expect(containedPath(folder, 'outside.bin', 'index')).rejects.toThrow('leads out of the folder');
    for (const name of ['../secret', '/etc/passwd', '..', '', 'a/b', 'a\\b', 'a\0b', 'C:x'])
      await expect(containedPath(folder, name, 'index')).rejects.toThrow('only plain file names');
  });

  it('says that a file is missing, and who names it', async () => {
    await expect(containedPath(folder, 'dangling.bin', 'index.json')).rejects.toMatchObject({
      code: 'checkpoint.missing',
      message: expect.stringContaining('index.json names it') as unknown,
    });
  });

  it("follows the hub cache's links to its blobs and no further", async () => {
    const snapshot = join(root, 'models--a--b', 'snapshots', 'abc');
    expect(await containedPath(snapshot, 'model.bin', 'index')).toBe(
      join(root, 'models--a--b', 'blobs', 'hash'),
    );
    await expect(containedPath(snapshot, 'evil.bin', 'index')).rejects.toThrow('leads out');
  });

  it('takes one path component of up to 255 characters as a plain name', () => {
    expect(isPlainName('pytorch_model-00001-of-00002.bin')).toBe(true);
    expect(isPlainName('x'.repeat(255))).toBe(true);
    expect(isPlainName('x'.repeat(256))).toBe(false);
  });
});

describe('PositionalFile', () => {
  it('reads exact ranges and refuses ranges outside the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'takeoff-file-'));
    writeFileSync(join(folder, 'data'), 'hello');
    const file = await PositionalFile.open(join(folder, 'data'));
    expect(Buffer.from(await file.read(1, 3)).toString()).toBe('ell');
    expect(await file.read(5, 0)).toHaveLength(0);
    await expect(file.read(3, 3)).rejects.toThrow('data: Bytes 3 to 6 are needed, but the file has 5');
    await file.close();
    await expect(PositionalFile.open(join(folder, 'nothing'))).rejects.toMatchObject({
      code: 'checkpoint.missing',
    });
    await expect(PositionalFile.open(folder)).rejects.toMatchObject({ code: 'checkpoint.unreadable' });
    rmSync(folder, { recursive: true });
  });
});
