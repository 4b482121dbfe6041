// JSON files of a checkpoint: read under a ceiling, parsed, and turned into a type by a schema. What is wrong is said with
// the file's name and the path inside it.
import { basename } from 'node:path';
import type { z } from 'zod';
import { malformed } from '../failures.js';
import { decodeUtf8 } from './byte-cursor.js';
import { PositionalFile } from './positional-file.js';

/** Configurations are kilobytes; the ceiling stops a file of gigabytes from being read at all. */
export const MAX_CONFIG_BYTES = 4 * 2 ** 20;
/** tokenizer.json of Llama 3.1 has 17 MiB, Gemma's 33 MiB. */
export const MAX_TOKENIZER_JSON_BYTES = 128 * 2 ** 20;

/** @throws CheckpointError checkpoint.missing, checkpoint.unreadable, checkpoint.malformed */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>, maxBytes: number): Promise<T> {
  const bytes = await readWholeFile(path, maxBytes);
  return parseJson(bytes, basename(path), schema);
}

/** A whole small file. @throws CheckpointError when it is longer than `maxBytes` */
export async function readWholeFile(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await PositionalFile.open(path);
  try {
    if (file.sizeBytes > maxBytes)
      throw malformed(file.name, `The file has ${file.sizeBytes} bytes; at most ${maxBytes} are expected.`);
    return await file.read(0, file.sizeBytes);
  } finally {
    await file.close();
  }
}

/** @throws CheckpointError checkpoint.malformed */
export function parseJson<T>(bytes: Uint8Array, file: string, schema: z.ZodType<T>): T {
  const text = decodeUtf8(bytes, file, 'The text');
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (error) {
    throw malformed(file, 'The text is not valid JSON.', { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'The top level' : issue.path.join('.');
  throw malformed(file, `${where}: ${issue?.message ?? 'invalid'}.`, { cause: parsed.error });
}
