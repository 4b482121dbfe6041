import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../errors.js';
import { readPageFiles } from './page-files.js';

const HTML = '<head><meta name="takeoff-api" content="" /></head>';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-page-'));
  mkdirSync(path.join(folder, 'assets'));
  writeFileSync(path.join(folder, 'index.html'), HTML);
  writeFileSync(path.join(folder, 'assets/index-1a.js'), 'let a');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('readPageFiles', () => {
  it('reads the document and its files', () => {
    const { html, assets } = readPageFiles(folder, null);
    expect(html.plain.toString()).toBe(HTML);
    expect(assets.map(({ name }) => name)).toEqual(['assets/index-1a.js']);
  });

  it('takes the compressed forms that the build has written, and makes those that it has not', () => {
    writeFileSync(path.join(folder, 'assets/index-1a.js.br'), 'by the build');
    const { assets } = readPageFiles(folder, null);
    expect(assets.map(({ name }) => name)).toEqual(['assets/index-1a.js']);
    expect(assets[0]?.brotli?.toString()).toBe('by the build');
    expect(gunzipSync(assets[0]?.gzip ?? '').toString()).toBe('let a');
  });

  it('writes the address of another API into the document, as text', () => {
    const { html } = readPageFiles(folder, 'https://api.example/a"&$1');
    expect(html.plain.toString()).toBe(
      '<head><meta name="takeoff-api" content="https://api.example/a&quot;&amp;$1" /></head>',
    );
  });

  it('says how to build the page where there is none', () => {
    rmSync(path.join(folder, 'index.html'));
    expect(() => readPageFiles(folder, null)).toThrow(ConfigError);
    expect(() => readPageFiles(folder, null)).toThrow(/npm run build.*playground: false/u);
  });
});
