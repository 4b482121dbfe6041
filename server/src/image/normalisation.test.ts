import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { normalisationTable } from './normalisation.js';

it('equals the reference for every byte and channel', () => {
  const file = readFileSync(new URL('../../../test/goldens/normalisation.safetensors', import.meta.url));
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as {
    lut: { data_offsets: [number, number] };
  };
  const [start, end] = header.lut.data_offsets;
  const table = normalisationTable([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]);
  const bytes = Buffer.from(table.buffer);
  expect(bytes.equals(file.subarray(8 + headerBytes + start, 8 + headerBytes + end))).toBe(true);
});
