// The client examples of README.md, client/README.md and docs/client.md run as printed against the demo model.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { examplesOf, runProgram } from './page-examples.js';

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-examples-'));
let server: RunningServer;
beforeAll(async () => {
  server = await RunningServer.start({ args: ['--repository-path', cache] });
});
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

const DESCRIPTION =
  'The picture shows a large yellow triangle on the right and a large purple circle at the bottom on a white background.';

/** The expected output of each example, in the order of the page. */
const PRINTED: readonly (readonly [page: string, prints: readonly RegExp[]])[] = [
  ['README.md', [new RegExp(`^${DESCRIPTION}\\nYes, `, 'u')]],
  ['client/README.md', [new RegExp(`^${DESCRIPTION}\\n\\S.*$`, 'u')]],
  [
    'docs/client.md',
    [
      new RegExp(`^${DESCRIPTION}\\n$`, 'u'),
      /^Is there a circle\? Yes, .* \(\d+ tokens, stop\)\nHow many shapes are there\? .* \(\d+ tokens, stop\)\n$/u,
      /^\d+ 64 true 2048\n3 \[ '<s>', '▁two', '▁shapes' \] two shapes\n\[\n.*Hello/su,
      /^\[ 'primary', 'second' \] 8\n$/u,
      /^The .*\.\n\d+ characters\n$/u,
      /^AbortError\n$/u,
      /^400 image\.format_unsupported .+\n$/u,
      /^true\ntrue\nLlavaLlamaForCausalLM \[ 'primary' \]\nlive \d+\n$/u,
    ],
  ],
];

const examples = PRINTED.flatMap(([page, prints]) =>
  examplesOf(page, 'js').map((code, index) => ({
    name: `${page} ${index + 1}`,
    code,
    prints: prints[index],
  })),
);

it('the documentation has as many examples as this test expects', () => {
  expect(examples).toHaveLength(PRINTED.flatMap(([, prints]) => prints).length);
});

it.each(examples)('the example $name runs as printed and ends by itself', async ({ code, prints }) => {
  const { out, ...end } = await runProgram(code, server);
  expect(end).toEqual({ code: 0, err: '' });
  expect(out).toMatch(prints ?? /^$/u);
});
