// What a visit of the page costs on the line.
import path from 'node:path';
import { readPageFiles } from 'takeoff-server/gateway/http/page/page-files.js';
import { expect, it } from 'vitest';
import { ROOT } from '../client/page-examples.js';

const MAX_BYTES = 120_000;

it('the whole page, its example images included, has at most 120 kB as gzip sends it', () => {
  const { html, assets } = readPageFiles(path.join(ROOT, 'playground/dist/page'), null);
  const sizes = [html, ...assets].map(({ gzip, plain }) => (gzip ?? plain).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_BYTES);
});
