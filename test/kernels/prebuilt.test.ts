// The libraries of kernels/prebuilt/ against their manifest and the C sources, without a compiler. Whether a compiler makes the same
// bytes of them, `npm run kernels -- --check linux-x64` says.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { openKernelLibrary } from '../../server/src/native/kernels/kernel-library.js';

const KERNELS = fileURLToPath(new URL('../../kernels/', import.meta.url));
const PREBUILT = path.join(KERNELS, 'prebuilt');
const FILE = 'libtakeoff-kernels.so';

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-prebuilt-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the libraries in the repository are made of the sources in the repository', () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [path.join(KERNELS, 'build.js'), '--check'],
    { encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  expect(stdout).toContain('6 libraries');
  expect(status).toBe(0);
});

it('a platform without kernels is named', () => {
  expect(() => openKernelLibrary(PREBUILT, 'sunos-x64')).toThrow('there are no kernels for sunos-x64');
});

it('a folder without a manifest is named', () => {
  expect(() => openKernelLibrary(folder, 'linux-x64')).toThrow(`${folder} has no manifest`);
});

it('a library with one other byte is refused before it is loaded', () => {
  mkdirSync(path.join(folder, 'linux-x64'));
  copyFileSync(path.join(PREBUILT, 'manifest.json'), path.join(folder, 'manifest.json'));
  const bytes = readFileSync(path.join(PREBUILT, 'linux-x64', FILE));
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  writeFileSync(path.join(folder, 'linux-x64', FILE), bytes);
  expect(() => openKernelLibrary(folder, 'linux-x64')).toThrow('is not the library that the manifest names');
});

it('a library that the manifest names and nobody has is refused', () => {
  expect(() => openKernelLibrary(folder, 'linux-arm64')).toThrow('cannot be read');
});
