import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listImages, type ImageList, type ListedFile } from './image-list.js';

let root: string;
const at = (...names: string[]): string => path.join(root, ...names);
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'takeoff-images-'));
  for (const folder of ['b/c', '.cache', 'empty']) mkdirSync(at(folder), { recursive: true });
  for (const file of [
    'a.JPG',
    'z.webp',
    'notes.txt',
    '.hidden.png',
    'b/1.gif',
    'b/c/2.bmp',
    '.cache/3.png',
    'raw',
    'b/scan.TIF',
    'photo.heic',
    'drawing.svg',
  ])
    writeFileSync(at(file), '');
  symlinkSync(at('b', '1.gif'), at('link.png'));
  symlinkSync(root, at('empty', 'circle'));
  symlinkSync(at('nowhere'), at('dangling.png'));
});
afterAll(() => rmSync(root, { recursive: true }));

const files = (named: string[], stdin = '', converts = false): Promise<ImageList> =>
  listImages(named, () => Promise.resolve(stdin), converts);
const list = async (named: string[], stdin = '', converts = false): Promise<string[]> =>
  all(await files(named, stdin, converts));

/** The images. */
async function all(images: ImageList): Promise<string[]> {
  const paths: string[] = [];
  for await (const file of images) if (file.kind === 'image') paths.push(file.path);
  return paths;
}

async function skipped(named: string[], converts = false): Promise<(readonly [string, string])[]> {
  const found: (readonly [string, string])[] = [];
  for await (const file of await files(named, '', converts))
    if (file.kind === 'skipped') found.push([path.relative(root, file.path), file.reason]);
  return found;
}

describe('listImages', () => {
  it('lists the images of a folder and its subfolders by name, without hidden files and without following link circles', async () => {
    const found = ['a.JPG', 'b/1.gif', 'b/c/2.bmp', 'link.png', 'z.webp'];
    expect(await list([root])).toEqual(found.map((name) => at(name)));
    expect(await list([at('empty')])).toEqual([]);
  });

  it('says what it leaves out of a folder, and why; what is no image or hidden is not mentioned', async () => {
    expect(await skipped([root])).toEqual([
      ['b/scan.TIF', 'convertible'],
      ['dangling.png', 'broken link'],
      ['drawing.svg', 'other image'],
      ['empty/circle', 'linked folder'],
      ['photo.heic', 'convertible'],
    ]);
    expect(await skipped([`${root}/*.{heic,svg,webp}`])).toEqual([
      ['drawing.svg', 'other image'],
      ['photo.heic', 'convertible'],
    ]);
  });

  it('takes what can be converted for images when told to', async () => {
    expect(await list([root], '', true)).toContain(at('photo.heic'));
    expect(await list([`${root}/b/*`], '', true)).toEqual([at('b/1.gif'), at('b/scan.TIF')]);
    expect((await skipped([root], true)).map(([, reason]) => reason)).not.toContain('convertible');
  });

  it('goes on behind a folder that cannot be read', async () => {
    const images = await files([at('b')]);
    const seen: ListedFile[] = [];
    for await (const file of images) {
      // The folder goes while it is walked.
      if (file.path === at('b', '1.gif')) renameSync(at('b', 'c'), at('b', '.c'));
      seen.push(file);
    }
    renameSync(at('b', '.c'), at('b', 'c'));
    expect(seen).toContainEqual({ kind: 'skipped', path: at('b', 'c'), reason: 'unreadable' });
    expect(seen.at(-1)).toMatchObject({ path: at('b', 'scan.TIF') });
  });

  it('lists files that have come since when it is walked again', async () => {
    const images = await files([at('empty')]);
    expect(await all(images)).toEqual([]);
    writeFileSync(at('empty', 'new.png'), '');
    expect(await all(images)).toEqual([at('empty', 'new.png')]);
    rmSync(at('empty', 'new.png'));
  });

  it('lists a file that is named itself, whatever its ending', async () => {
    expect(await list([at('raw'), at('notes.txt')])).toEqual([at('raw'), at('notes.txt')]);
  });

  it('lists the images among the matches of a pattern', async () => {
    expect(await list([`${root}/b/**/*`])).toEqual([at('b/1.gif'), at('b/c/2.bmp')]);
    expect(await list([`${root}/*.png`])).toEqual([at('link.png')]);
    expect(await list([`${root}/*.{JPG,webp}`])).toEqual([at('a.JPG'), at('z.webp')]);
    expect(await list([`${root}/*.nothing`])).toEqual([]);
  });

  it('reads a list with line feeds or NUL, with folders and missing files in it', async () => {
    const gone = at('gone.png');
    expect(await list(['-'], `${at('a.JPG')}\r\n\n${at('b')}\n${gone}\n`)).toEqual([
      at('a.JPG'),
      at('b/1.gif'),
      at('b/c/2.bmp'),
      gone,
    ]);
    expect(await list(['-'], `with\nbreak.png\0${at('raw')}\0`)).toEqual(['with\nbreak.png', at('raw')]);
  });

  it('refuses an argument that names nothing and says what is allowed', async () => {
    await expect(list([at('gone.png')])).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('no such file or folder') as string,
    });
  });
});
