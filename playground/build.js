// Makes dist/page, what the server serves: one document, and files with hashes in their names below assets/, those of text with their
// compressed forms beside them. Does nothing where nothing has changed since the last build. A build that fails leaves no page behind,
// so that no server serves an old one.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('./', import.meta.url));
const PAGE = path.join(ROOT, 'dist/page');
/** Says of which files dist/page was made. */
const STAMP = path.join(ROOT, 'dist/page-inputs');
/** What goes into the page, and what decides how it is built. */
const INPUTS = [
  'src',
  'index.html',
  'build.js',
  'vite.config.js',
  '../client/dist',
  '../models/demo/images',
  '../package-lock.json',
];

if (process.argv.includes('--clean')) clean();
else await buildWhereChanged();

async function buildWhereChanged() {
  const stamp = stampOf(INPUTS.map((input) => path.join(ROOT, input)));
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp && existsSync(`${PAGE}/index.html`)) return;
  clean();
  const { build } = await import('vite');
  try {
    await build({ root: ROOT, configFile: path.join(ROOT, 'vite.config.js'), logLevel: 'warn' });
    for (const file of filesOf(path.join(PAGE, 'assets')))
      if (/\.(?:css|js|svg)$/u.test(file)) compress(file);
  } catch (error) {
    clean();
    throw error;
  }
  mkdirSync(path.dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, stamp);
}

/** So that no server has to at its start. */
function compress(file) {
  const plain = readFileSync(file);
  writeFileSync(`${file}.br`, brotliCompressSync(plain));
  writeFileSync(`${file}.gz`, gzipSync(plain, { level: 9 }));
}

function clean() {
  rmSync(PAGE, { recursive: true, force: true });
  rmSync(STAMP, { force: true });
}

/** Differs when a file was added, removed or changed. Sizes and times are looked at before contents would be read. */
function stampOf(inputs) {
  const hash = createHash('sha256');
  for (const file of inputs.flatMap(filesOf)) {
    if (/\.test\.tsx?$/u.test(file)) continue;
    const { size, mtimeMs } = statSync(file);
    hash.update(`${path.relative(ROOT, file)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function filesOf(input) {
  if (!statSync(input).isDirectory()) return [input];
  return readdirSync(input, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}
