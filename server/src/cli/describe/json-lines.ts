// JSON Lines: an object a line, with a "path" in each.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import type { RecordFormat } from './record-file.js';

const recordSchema = z.object({ path: z.string() });

export const JSON_LINES: RecordFormat = {
  header: '',
  isQuoted: false,
  async *readPaths(file, endByte) {
    if (endByte === 0) return;
    const input = createReadStream(file, { end: endByte - 1, encoding: 'utf8' });
    let line = 0;
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      line += 1;
      if (text !== '') yield pathOf(text, `${file}, line ${line}`);
    }
  },
};

function pathOf(text: string, place: string): string {
  const record = recordSchema.safeParse(parseJson(text));
  if (record.success) return record.data.path;
  throw new ConfigError(
    `${place}: this is no line of \`takeoff describe\`, which would be a JSON object with a "path". Name another file with --out.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // validated by the schema
  }
}
