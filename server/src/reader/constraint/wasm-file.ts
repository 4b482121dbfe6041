// The WebAssembly of llguidance, out of npm's transformers-llguidance, whose build holds it as text inside a JavaScript file. The
// package's own JavaScript is never run: only these bytes are used, and only if they are exactly those that this program was
// written for, because the layouts in llguidance.ts are theirs.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { NativeError } from '../../errors.js';

const PACKAGE = 'transformers-llguidance';
const VERSION = '0.2.1';
const FILE = 'llguidance_wasm-CEWXsDEr.js';
const SHA256 = '214710605a02acfdf55c805a5395a40dc8667eae9c672cfb7afd806e252de443';
const DATA_URL = /data:application\/wasm;base64,([A-Za-z0-9+/]+=*)/;

/** @throws NativeError native.library_missing, native.library_mismatch */
export function readLlguidanceWasm(): Buffer<ArrayBuffer> {
  const wasm = bytesIn(readPackageFile());
  const sha256 = createHash('sha256').update(wasm).digest('hex');
  if (sha256 !== SHA256) {
    throw new NativeError(
      'native.library_mismatch',
      `The WebAssembly in npm's ${PACKAGE} has the SHA-256 ${sha256}; this program was written for ${SHA256} of version ${VERSION}. "npm ci" restores it.`,
    );
  }
  return wasm;
}

/** The package exports its entry for `import` only, so its folder is looked for where Node would look for it. */
function readPackageFile(): string {
  const folders = createRequire(import.meta.url).resolve.paths(PACKAGE) ?? [];
  const file = folders.map((folder) => join(folder, PACKAGE, 'dist', FILE)).find(existsSync);
  if (file === undefined) {
    throw new NativeError(
      'native.library_missing',
      `npm's ${PACKAGE} ${VERSION}, which constraints need, is not installed. "npm ci" installs it.`,
    );
  }
  return readFileSync(file, 'latin1');
}

const bytesIn = (source: string): Buffer<ArrayBuffer> =>
  Buffer.from(DATA_URL.exec(source)?.[1] ?? '', 'base64');
