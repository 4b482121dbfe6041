// Makes the package's JavaScript out of what the compiler wrote to dist/modules: `index.js` for every runtime, `node.js` for
// runtimes with a file system, `client.js` with what both share. The SSE decoder of wire is bundled, so the package depends on
// nothing. The declarations are the compiler's own; none of them may name another package.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('./dist/', import.meta.url));
const BUNDLES = ['index.js', 'node.js', 'client.js'];

if (process.argv.includes('--clean')) for (const name of BUNDLES) rmSync(DIST + name, { force: true });
else await bundle();

async function bundle() {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: DIST,
    entryPoints: ['modules/index.js', 'modules/node.js'],
    outdir: '.',
    bundle: true,
    splitting: true,
    chunkNames: 'client',
    entryNames: '[name]',
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: ['node:*'],
    metafile: true,
    logLevel: 'warning',
  });
  const written = Object.keys(metafile.outputs).sort();
  const isWhole = JSON.stringify(written) === JSON.stringify([...BUNDLES].sort());
  if (!isWhole) fail(`wrote ${written.join(', ')}; expected ${BUNDLES.join(', ')}`);
  const declarations = readdirSync(`${DIST}modules`).filter((name) => name.endsWith('.d.ts'));
  for (const name of declarations) {
    const foreign = /(?:from|import\()\s*['"](?!\.)([^'"]+)/u.exec(
      readFileSync(`${DIST}modules/${name}`, 'utf8'),
    );
    if (foreign) fail(`${name} names the package ${foreign[1]}, which users of the client do not have`);
  }
}

function fail(why) {
  process.stderr.write(`client/bundle.js: ${why}.\n`);
  process.exit(1);
}
