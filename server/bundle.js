// Makes dist/programs out of what the compiler wrote to dist/: each program that bin/ starts as one file, with the code that several of
// them share in chunks beside it. npm's packages are in it, but for those with files of their own and those that few servers need.
// Loading hundreds of modules one by one takes longer than running them; gateway, reader and decoders each do it at every start.
// Every module keeps the address of its file in dist/, so that it finds other files as it does unbundled.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('./dist/', import.meta.url));
const PROGRAMS = path.join(DIST, 'programs');
const ENTRIES = {
  takeoff: 'cli/main.js',
  reader: 'reader/main.js',
  decoder: 'gateway/intake/decoder/main.js',
  converter: 'cli/describe/convert/child/main.js',
  'inference-thread': 'native/inference/serve-jobs.js',
  'constraint-thread': 'reader/constraint/serve-trials.js',
  'device-probe': 'native/gpu/probe-program.js',
};
/** Native code, WebAssembly and what looks for its own files; then what is loaded only where traces or the scaler are switched on. */
const EXTERNAL = [
  ...['koffi', 'sharp', 'libheif-js'],
  ...['@grpc/*', '@opentelemetry/core', '@opentelemetry/exporter-*', '@opentelemetry/resources'],
  '@opentelemetry/sdk-*',
];
/** For packages of CommonJS, which esbuild leaves calling `require` for Node's own modules. */
const REQUIRE =
  "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

/** Half of zod are its messages in forty languages, of which it would speak one. */
const zodInEnglish = {
  name: 'zod-in-english',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index[.]js$/ }, ({ path: file }) => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: path.dirname(file),
    }));
  },
};

const keepAddresses = {
  name: 'keep-addresses',
  setup({ onLoad }) {
    onLoad({ filter: /[.]js$/ }, ({ path: file }) => {
      if (!file.startsWith(DIST)) return undefined;
      const source = readFileSync(file, 'utf8');
      const address = path.relative(PROGRAMS, file).replaceAll(path.sep, '/');
      return {
        contents: source.replaceAll('import.meta.url', `new URL('${address}', import.meta.url).href`),
      };
    });
  },
};

if (process.argv.includes('--clean')) rmSync(PROGRAMS, { recursive: true, force: true });
else await bundle();

async function bundle() {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: DIST,
    entryPoints: ENTRIES,
    outdir: PROGRAMS,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'node20.18',
    platform: 'node',
    external: EXTERNAL,
    banner: { js: REQUIRE },
    plugins: [keepAddresses, zodInEnglish],
    sourcemap: true,
    sourcesContent: false,
    write: false,
    logLevel: 'warning',
  });
  mkdirSync(PROGRAMS, { recursive: true });
  const present = new Set(readdirSync(PROGRAMS));
  for (const { path: file, contents } of outputFiles) {
    if (present.delete(path.basename(file)) && readFileSync(file).equals(contents)) continue;
    // Whole at once, because a server of this checkout may be starting a reader meanwhile.
    writeFileSync(`${file}.new`, contents);
    renameSync(`${file}.new`, file);
  }
  for (const old of present) rmSync(path.join(PROGRAMS, old));
}
