// JSON files of a checkpoint: read under a ceiling, parsed, and turned into a type by a schema. What is wrong is said with the file's
// name, the line, and the key. People's own files are read as Python reads them; formats (headers of weights) strictly.
import { basename } from 'node:path';
import type { z } from 'zod';
import { malformed } from '../failures.js';
import { decodeUtf8 } from './byte-cursor.js';
import { readJson, type JsonPath, type JsonReading } from './json-reader.js';
import { PositionalFile } from './positional-file.js';

/** Configurations are kilobytes; the ceiling stops a file of gigabytes from being read at all. */
export const MAX_CONFIG_BYTES = 4 * 2 ** 20;
/** tokenizer.json of Llama 3.1 has 17 MiB, Gemma's 33 MiB. */
export const MAX_TOKENIZER_JSON_BYTES = 128 * 2 ** 20;

export interface JsonFile<T> {
  readonly value: T;
  /** What is odd and was taken all the same. */
  readonly warnings: readonly string[];
  /** `config.json: text_config.eos_token_id (line 12)`, to begin a sentence about a value. */
  readonly place: (path: JsonPath) => string;
}

/** A file that people and training scripts write. @throws CheckpointError checkpoint.missing, checkpoint.unreadable, checkpoint.malformed */
export async function readJsonFile<T>(
  path: string,
  schema: z.ZodType<T>,
  maxBytes: number,
): Promise<JsonFile<T>> {
  return parseJsonFile(await readWholeFile(path, maxBytes), basename(path), schema);
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

/** The bytes of such a file. @throws CheckpointError checkpoint.malformed */
export function parseJsonFile<T>(bytes: Uint8Array, file: string, schema: z.ZodType<T>): JsonFile<T> {
  const text = textOf(bytes, file);
  const strict = parseStrictly(text);
  const reading = lazily(() => readJson(text, file));
  const value = strict === undefined ? reading().value : strict.value;
  const { oddities, furtherOddities } =
    strict === undefined ? reading() : { oddities: [], furtherOddities: 0 };
  const place = (path: JsonPath, line: number | undefined = reading().lineOf(path)) =>
    `${file}: ${path.length === 0 ? 'The top level' : path.join('.')}${line === undefined ? '' : ` (line ${line})`}`;
  const listed = oddities.map(({ path, line, what }) => `${place(path, line)} ${what}.`);
  const rest = `${file}: ${furtherOddities} more values are odd in the same way.`;
  return {
    value: typed(value, schema, file, reading),
    warnings: furtherOddities > 0 ? [...listed, rest] : listed,
    place,
  };
}

/** JSON as its standard has it. @throws CheckpointError checkpoint.malformed */
export function parseJson<T>(bytes: Uint8Array, file: string, schema: z.ZodType<T>): T {
  const text = textOf(bytes, file);
  const strict = parseStrictly(text);
  const reading = lazily(() => readJson(text, file));
  if (strict !== undefined) return typed(strict.value, schema, file, reading);
  const [oddity] = reading().oddities;
  throw malformed(
    file,
    `The text is not valid JSON: line ${oddity?.line ?? 1}: a value ${oddity?.what ?? 'is odd'}.`,
  );
}

function textOf(bytes: Uint8Array, file: string): string {
  const text = decodeUtf8(bytes, file, 'The text');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Undefined for a text that is no JSON; which place is wrong, the slower reader finds. */
function parseStrictly(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function typed<T>(value: unknown, schema: z.ZodType<T>, file: string, reading: () => JsonReading): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = (issue?.path ?? []).map((step) => (typeof step === 'symbol' ? String(step) : step));
  const line = reading().lineOf(path);
  const where = path.length === 0 ? 'The top level' : path.join('.');
  throw malformed(
    file,
    `${where}${line === undefined ? '' : ` (line ${line})`}: ${issue?.message ?? 'invalid'}.`,
    { cause: parsed.error },
  );
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
