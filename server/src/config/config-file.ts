// Reads config.yaml into plain maps: `takeoff.server_config` and the entries of `takeoff.readers_config`. Validates the file's
// shape only; key-check.ts validates keys and resolve-config.ts values.
import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigError } from '../errors.js';

/** A file of a hundred readers has some 50 KiB; a larger one is no configuration, but a model's file for example. */
const MAX_CONFIG_FILE_BYTES = 1024 * 1024;

const keysSchema = z.record(z.string(), z.unknown());
const takeoffSchema = z.strictObject({
  server_config: keysSchema.nullish(),
  readers_config: z.record(z.string().min(1), keysSchema.nullable()).nullish(),
});

export interface ConfigFile {
  readonly path: string;
  readonly server: Readonly<Record<string, unknown>>;
  /** Entries by reader id. */
  readonly readers: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** @throws ConfigError if the file cannot be read, is no YAML or has not the shape of a configuration */
export function readConfigFile(path: string): ConfigFile {
  return parseConfigFile(readText(path), path);
}

/** @throws ConfigError if the text is no YAML or has not the shape of a configuration; `path` is for the message */
export function parseConfigFile(text: string, path: string): ConfigFile {
  const document = keysSchema.safeParse(parseYaml(text, path));
  if (!document.success || !Object.hasOwn(document.data, 'takeoff')) {
    throw new ConfigError(
      `${path} has no top-level key "takeoff"; server_config and readers_config stand below it.`,
    );
  }
  const parsed = takeoffSchema.nullable().safeParse(document.data['takeoff']);
  if (!parsed.success) throw new ConfigError(shapeSentence(parsed.error, path), { cause: parsed.error });
  const readers = Object.entries(parsed.data?.readers_config ?? {});
  return {
    path,
    server: parsed.data?.server_config ?? {},
    readers: Object.fromEntries(readers.map(([id, keys]) => [id, keys ?? {}])),
  };
}

function readText(path: string): string {
  try {
    const { size: fileBytes } = statSync(path);
    if (fileBytes <= MAX_CONFIG_FILE_BYTES) return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`The configuration file cannot be read: ${reason}.`, { cause });
  }
  throw new ConfigError(
    `${path} is larger than ${MAX_CONFIG_FILE_BYTES} bytes, the limit for a configuration file.`,
  );
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new ConfigError(`${path} is not YAML: ${reason ?? ''}`, { cause });
  }
}

function shapeSentence(error: z.ZodError, path: string): string {
  const [issue] = error.issues;
  if (issue?.code === 'unrecognized_keys') {
    return `${path} has ${issue.keys.map((key) => `"${key}"`).join(', ')} below takeoff; allowed: server_config, readers_config.`;
  }
  const where = ['takeoff', ...(issue?.path ?? [])].join('.');
  return `${where} in ${path} must be a list of "key: value" lines.`;
}
