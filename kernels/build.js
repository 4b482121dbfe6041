// Makes the libraries of prebuilt/ and their manifest, the same bytes wherever and however often it runs:
//   npm run kernels                        every platform
//   npm run kernels -- --check             compares the sources and prebuilt/ with the manifest; needs no compiler
//   npm run kernels -- --check linux-x64   also builds one anew elsewhere, without any cache, and compares it
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SOURCES } from './sources.js';
import { C_FLAGS, compile, installCompiler, KERNELS } from './zig.js';

const PREBUILT = path.join(KERNELS, 'prebuilt');

/** Zig's target, and how the library is called there. glibc 2.28 is that of the oldest systems that Node.js 20 runs on. */
const PLATFORMS = {
  'linux-x64': { target: 'x86_64-linux-gnu.2.28', file: 'libtakeoff-kernels.so' },
  'linux-x64-musl': { target: 'x86_64-linux-musl', file: 'libtakeoff-kernels.so' },
  'linux-arm64': { target: 'aarch64-linux-gnu.2.28', file: 'libtakeoff-kernels.so' },
  'darwin-x64': { target: 'x86_64-macos', file: 'libtakeoff-kernels.dylib' },
  'darwin-arm64': { target: 'aarch64-macos', file: 'libtakeoff-kernels.dylib' },
  'win32-x64': { target: 'x86_64-windows-gnu', file: 'takeoff-kernels.dll' },
};

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const [flag, name] = process.argv.slice(2);
const isKnown = flag === undefined || (flag === '--check' && (name === undefined || name in PLATFORMS));
if (!isKnown) fail(`only --check is known, alone or with one of ${Object.keys(PLATFORMS).join(', ')}`);
if (flag === undefined) buildAll();
else {
  checkManifest();
  if (name !== undefined) checkBuild(name);
}

function readManifest() {
  return JSON.parse(readFileSync(path.join(PREBUILT, 'manifest.json'), 'utf8'));
}

function buildAll() {
  installCompiler();
  const cache = path.join(KERNELS, '.cache');
  const libraries = {};
  for (const platform of Object.keys(PLATFORMS)) {
    const folder = path.join(PREBUILT, platform);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const library = build(platform, folder, cache);
    libraries[platform] = { file: path.basename(library), sha256: sha256(readFileSync(library)) };
    process.stdout.write(`${platform}: ${statSync(library).size} bytes\n`);
  }
  const manifest = { sources: sourcesHash(), libraries };
  writeFileSync(path.join(PREBUILT, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function checkManifest() {
  const { sources, libraries } = readManifest();
  if (sources !== sourcesHash())
    fail('the sources have changed since prebuilt/ was made; run npm run kernels');
  for (const [platform, { file, sha256: wanted }] of Object.entries(libraries)) {
    const got = sha256(readFileSync(path.join(PREBUILT, platform, file)));
    if (got !== wanted) fail(`prebuilt/${platform}/${file} is ${got}, the manifest says ${wanted}`);
  }
  process.stdout.write(
    `${Object.keys(libraries).length} libraries are those of the manifest and the sources\n`,
  );
}

function checkBuild(platform) {
  installCompiler();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-kernels-'));
  try {
    const got = sha256(readFileSync(build(platform, folder, path.join(folder, 'cache'))));
    const { sha256: wanted } = readManifest().libraries[platform];
    if (got !== wanted) fail(`${platform} comes out as ${got}, prebuilt/manifest.json says ${wanted}`);
    process.stdout.write(`${platform}: built again, the same bytes\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns the library's path */
function build(platform, folder, cache) {
  const { target, file } = PLATFORMS[platform];
  const objectFolder = path.join(cache, platform);
  mkdirSync(objectFolder, { recursive: true });
  const objects = SOURCES[platform.includes('arm64') ? 'arm64' : 'x64'].map((source) => {
    const object = path.join(objectFolder, `${source.name}.o`);
    const flags = ['-fvisibility=hidden', '-fPIC', '-g0', `-mcpu=${source.cpu}`, ...source.flags];
    compile(cache, ['-target', target, ...C_FLAGS, ...flags, '-c', `src/${source.name}.c`, '-o', object]);
    return object;
  });
  const library = path.join(folder, file);
  const naming = file.endsWith('.dylib') ? [`-Wl,-install_name,@rpath/${file}`] : [];
  // -s: a library holds paths of the building machine otherwise.
  compile(cache, ['-target', target, '-shared', '-s', ...naming, ...objects, '-o', library]);
  for (const other of readdirSync(folder))
    if (/\.(?:lib|pdb)$/u.test(other)) rmSync(path.join(folder, other));
  return library;
}

/** Of the C files and the compiler's version; flags show in the libraries' own hashes when they are built again. */
function sourcesHash() {
  const sources = readdirSync(path.join(KERNELS, 'src')).map((source) => `src/${source}`);
  const hash = createHash('sha256');
  for (const source of [...sources, 'package-lock.json'].sort())
    hash.update(`${source}\0`).update(readFileSync(path.join(KERNELS, source)));
  return hash.digest('hex');
}

function fail(why) {
  process.stderr.write(`kernels: ${why}.\n`);
  process.exit(1);
}
