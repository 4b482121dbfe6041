import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.js';
import { readConfigFile } from './config-file.js';
import { ReaderFile } from './reader-file.js';

const TEXT = `# of the night shift
takeoff:
  server_config:
    port: 8000 # behind the proxy
  readers_config:
    old:
      # stays
      model_name: /models/old
`;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-config-'));
  file = path.join(folder, 'config.yaml');
  writeFileSync(file, TEXT, { mode: 0o640 });
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('ReaderFile', () => {
  it('adds and removes readers, and leaves everything else as it was written', async () => {
    const readers = new ReaderFile(file);
    await readers.save('new', { reader_id: 'new', model_name: 'a/b', consumer_group: ['x', 'y'] });
    expect(readConfigFile(file).readers).toEqual({
      old: { model_name: '/models/old' },
      new: { model_name: 'a/b', consumer_group: ['x', 'y'] },
    });
    await readers.save('new', { model_name: 'a/c' });
    expect(readConfigFile(file).readers['new']).toEqual({ model_name: 'a/c' });
    await readers.forget('new');
    await readers.forget('nobody');
    expect(readFileSync(file, 'utf8')).toBe(TEXT);
    expect([readdirSync(folder), statSync(file).mode & 0o777]).toEqual([['config.yaml'], 0o640]);
  });

  it('changes settings of a reader and leaves its secrets, comments and other settings as they are written', async () => {
    writeFileSync(file, `${TEXT}      access_token: of the hub\n      consumer_groups: [a]\n`);
    const readers = new ReaderFile(file);
    await readers.change('old', { consumer_group: ['x'], max_batch_size: 2 });
    await readers.change('started by a flag', { max_batch_size: 2 });
    expect(readConfigFile(file).readers).toEqual({
      old: {
        model_name: '/models/old',
        access_token: 'of the hub',
        consumer_group: ['x'],
        max_batch_size: 2,
      },
    });
    expect(readFileSync(file, 'utf8')).toContain('# stays');
  });

  it('begins the list of readers in a file that has none', async () => {
    writeFileSync(file, 'takeoff:\n');
    await new ReaderFile(file).save('r', { model_name: 'm' });
    expect(readConfigFile(file).readers).toEqual({ r: { model_name: 'm' } });
  });

  it('leaves the file as it was where it cannot be replaced', async () => {
    const readers = new ReaderFile(file);
    writeFileSync(file, 'takeoff: [broken');
    const failure = readers.save('r', { model_name: 'm' });
    await expect(failure).rejects.toMatchObject({ code: 'reader.not_saved' });
    expect(readFileSync(file, 'utf8')).toBe('takeoff: [broken');
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });

  it('asks for a file at the start', () => {
    expect(() => new ReaderFile(null)).toThrow(ConfigError);
  });

  it.skipIf(process.getuid?.() === 0)('refuses a file that is read-only, at the start', () => {
    chmodSync(file, 0o400);
    expect(() => new ReaderFile(file)).toThrow('persist_readers');
  });
});
