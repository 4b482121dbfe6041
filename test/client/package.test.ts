// The package as users install it: from a tarball into an empty project, without a network.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './page-examples.js';

const MAX_PACKAGE_BYTES = 40_000;
const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-package-'));
const project = path.join(folder, 'project');
afterAll(() => rmSync(folder, { recursive: true }));

function run(cwd: string, command: string, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, words, { cwd, encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

let tarball: string;
let files: string[];
beforeAll(() => {
  const packed = run(
    ROOT,
    'npm',
    'pack',
    '--workspace',
    'client',
    '--pack-destination',
    folder,
    '--json',
    '--silent',
  );
  expect(packed.code, packed.err).toBe(0);
  const [facts] = Object.values(
    JSON.parse(packed.out) as Record<string, { filename: string; files: { path: string }[] }>,
  );
  files = (facts?.files ?? []).map((file) => file.path);
  tarball = path.join(folder, facts?.filename ?? '');
  mkdirSync(project);
  writeFileSync(
    path.join(project, 'package.json'),
    '{ "name": "empty", "private": true, "type": "module" }\n',
  );
  const installed = run(project, 'npm', 'install', '--offline', '--no-audit', '--no-fund', tarball);
  expect(installed.code, installed.err).toBe(0);
});

const inPackage = (...names: string[]): string => path.join(project, 'node_modules/takeoff-client', ...names);

it('the package is small and holds the library, its types and its README only', () => {
  expect(statSync(tarball).size).toBeLessThan(MAX_PACKAGE_BYTES);
  expect(files.filter((file) => !/^dist\/modules\/[\w-]+\.d\.ts$/u.test(file)).sort()).toEqual([
    'README.md',
    'dist/client.js',
    'dist/index.js',
    'dist/node.js',
    'package.json',
  ]);
});

it('the package installs and imports no other package', () => {
  expect(readdirSync(path.join(project, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
    'takeoff-client',
  ]);
  for (const file of files.filter((name) => name.startsWith('dist/'))) {
    const names = [
      ...readFileSync(inPackage(file), 'utf8').matchAll(/(?:from|import\()\s*["']([^."'][^"']*)/gu),
    ];
    expect(names.map(([, name]) => name).filter((name) => name !== 'node:fs/promises')).toEqual([]);
  }
});

it('the package is imported as an ES module in Node and reads paths', () => {
  const program = `
    import * as library from 'takeoff-client';
    const client = new library.TakeoffClient({ port: 1 });
    const error = await client.generate('a', { image: 'no such file' }).catch((thrown) => thrown);
    console.log(Object.keys(library).sort().join(), error.cause.code);`;
  writeFileSync(path.join(project, 'program.js'), program);
  expect(run(project, process.execPath, 'program.js')).toEqual({
    code: 0,
    out: 'IncompleteStreamError,InvalidInputError,TakeoffApiError,TakeoffClient,TakeoffClientError,TakeoffConnectionError,TakeoffTimeoutError,UnexpectedAnswerError ENOENT\n',
    err: '',
  });
});

/** A program that uses every call with every kind of argument and its results with their types. */
const CONSUMER = `
import { TakeoffClient, TakeoffApiError, type GenerateOptions, type GenerationStream, type ListAnswer } from 'takeoff-client';

const client = new TakeoffClient({ baseUrl: 'http://host', port: 1, managementPort: 2, apiKey: 'k', timeoutMs: 1, retries: 0, fetch });
const options: GenerateOptions = { maxNewTokens: 5, signal: new AbortController().signal, jsonSchema: { type: 'object' } };
export async function use(file: File, bytes: Uint8Array, stream: ReadableStream<Uint8Array>): Promise<void> {
  const one: string = (await client.generate('a', options)).text;
  const many: readonly string[] = (await client.generate(['a'], { image: file })).text;
  const counts: number | undefined = (await client.generate('a', { image: bytes, returnMetadata: true })).metadata?.generatedTokens;
  const list: GenerationStream<ListAnswer> = client.generateStream(['a'], { image: stream });
  for await (const { text, batchId } of list) console.log(text.length, batchId?.toFixed());
  const whole: readonly string[] = (await list).text;
  const models = Object.values((await client.status()).live_readers).map((reader) => reader.model_name.length);
  const open = Object.values((await client.managementStatus()).status.loading_readers).map((reader) => reader.open_prompts);
  const healthy: boolean = await client.healthy({ timeoutMs: 5 });
  console.log(one, many, counts, whole, models, open, healthy);
}
export const codeOf = (error: unknown): string | undefined => (error instanceof TakeoffApiError ? error.code : undefined);
// @ts-expect-error: no such option
void client.generate('a', { max_new_tokens: 5 });
// @ts-expect-error: not an image
void client.generate('a', { image: 5 });
`;

describe("the package's types compile under tsc --strict", () => {
  const nodeTypes = ['--types', 'node', '--typeRoots', path.join(ROOT, 'node_modules/@types')];
  it.each([
    [
      'for a page',
      ['--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2022,dom,dom.asynciterable'],
    ],
    ['for Node without DOM types', ['--module', 'nodenext', '--lib', 'es2022', ...nodeTypes]],
    [
      'for Node with DOM types',
      ['--module', 'node16', '--lib', 'es2022,dom,dom.asynciterable', ...nodeTypes],
    ],
  ])('%s', { timeout: 120_000 }, (_, settings) => {
    writeFileSync(path.join(project, 'consumer.ts'), CONSUMER);
    const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    const strict = [
      '--strict',
      '--exactOptionalPropertyTypes',
      // The declarations of the package are checked; those of the compiler are not its business, and take most of the time.
      '--skipLibCheck',
      'false',
      '--skipDefaultLibCheck',
      '--noEmit',
      '--target',
      'es2022',
    ];
    expect(run(project, process.execPath, compiler, ...strict, ...settings, 'consumer.ts')).toEqual({
      code: 0,
      out: '',
      err: '',
    });
  });
});

/** Other runtimes, if the machine has them. */
describe.each([
  ['bun', ['run']],
  ['deno', ['run', '--allow-read', '--allow-net', '--node-modules-dir=manual']],
])('the package in %s', (runtime, words) => {
  const isThere = run(ROOT, runtime, '--version').code === 0;
  if (!isThere) process.stdout.write(`No ${runtime} on this machine: the client is not tried in it.\n`);
  it.skipIf(!isThere)('is imported, reads paths and reports a refused connection', () => {
    const program = `
      import { TakeoffClient } from 'takeoff-client';
      const client = new TakeoffClient({ port: 4, retries: 0, baseUrl: 'http://127.0.0.1' });
      const image = 'package.json';
      const errors = [client.generate('a', { image: 'no such file' }), client.generate('a', { image })];
      for (const error of errors) console.log(await error.catch((thrown) => thrown.code));
      console.log(await client.healthy());`;
    writeFileSync(path.join(project, 'runtime.js'), program);
    expect(run(project, runtime, ...words, 'runtime.js')).toMatchObject({
      code: 0,
      out: 'client.invalid_input\nclient.connection_refused\nfalse\n',
    });
  });
});
