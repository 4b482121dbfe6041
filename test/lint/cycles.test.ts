// No file imports itself by way of others. esbuild follows the imports of the whole repository in a second, and leaves those of types
// out; the lint rule for it (import-x/no-cycle) parses every file anew, for a tenth of the time of lint.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { globSync } from 'tinyglobby';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCES = ['{wire,client,server,playground}/src/**/*.{ts,tsx}', '{bench,harness,test}/**/*.ts'];

type Graph = ReadonlyMap<string, readonly string[]>;

/** Files by their imports, both as paths below the repository's root. */
async function importGraph(files: readonly string[]): Promise<Graph> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    stdin: { contents: files.map((file) => `import './${file}';`).join('\n'), resolveDir: ROOT },
    bundle: true,
    packages: 'external',
    external: ['*.css', '*?url'],
    format: 'esm',
    platform: 'node',
    write: false,
    outdir: '.',
    metafile: true,
    logLevel: 'error',
  });
  return new Map(
    Object.entries(metafile.inputs).map(([file, { imports }]) => [
      file,
      imports.filter(({ external = false }) => !external).map(({ path }) => path),
    ]),
  );
}

/** The files of the first cycle that is found, each importing the next and the last one the first. */
function findCycle(graph: Graph): readonly string[] | undefined {
  const finished = new Set<string>();
  const follow = (file: string, trail: readonly string[]): readonly string[] | undefined => {
    const start = trail.indexOf(file);
    if (start !== -1) return trail.slice(start);
    if (finished.has(file)) return undefined;
    for (const imported of graph.get(file) ?? []) {
      const cycle = follow(imported, [...trail, file]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const cycle = follow(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

it('no imports form a cycle', async () => {
  const files = globSync(SOURCES, { cwd: ROOT, ignore: ['**/dist/**'] });
  const graph = await importGraph(files);
  expect(files.filter((file) => !graph.has(file))).toEqual([]);
  expect(graph.get('server/src/cli/main.ts')).toContain('server/src/cli/program.ts');
  expect(findCycle(graph)).toBeUndefined();
});

it('a cycle of imports is found, whatever leads to it', () => {
  const arrows: [string, string[]][] = [
    ['a', ['b', 'c']],
    ['b', ['c']],
    ['c', ['d']],
    ['d', ['e', 'c']],
    ['e', []],
  ];
  expect(findCycle(new Map(arrows))).toEqual(['c', 'd']);
  expect(findCycle(new Map(arrows.filter(([file]) => file !== 'd')))).toBeUndefined();
});
