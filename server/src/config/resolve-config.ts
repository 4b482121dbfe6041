// Puts the sources together: flags > environment > config.yaml > defaults, into one frozen object. Pure: load-config.ts
// reads what this validates. An unparsable value and an unknown server key stop the start; Takeoff's own keys that mean nothing
// here, unknown reader keys and unknown variables become warnings.
import { z } from 'zod';
import { ConfigError } from '../errors.js';
import type { ConfigFile } from './config-file.js';
import { environmentLayer, sharedLayer, type Environment } from './environment.js';
import {
  READER_DEFAULTS_OF_SERVER,
  validateServerKeys,
  warnOfUnusedKeys,
  warnOfUnusedValues,
} from './key-check.js';
import {
  flagName,
  layerOf,
  outsideFile,
  spellingsOf,
  type Given,
  type Layer,
  type NamedSetting,
} from './layers.js';
import { READER_SETTINGS, readerConfigSchema, type ReaderConfig } from './reader-settings.js';
import { SERVER_SETTINGS, serverConfigSchema, type ServerConfig } from './server-settings.js';
import type { Surroundings } from './setting.js';

export interface TakeoffConfig {
  readonly server: ServerConfig;
  /** At least one; ids differ. */
  readonly readers: readonly ReaderConfig[];
  /** The configuration file that was read; null where there is none. */
  readonly filePath: string | null;
  /** What counts for readers that do not set it themselves. */
  readonly readerDefaults: Layer;
  /** What was accepted but has no effect, a sentence each. */
  readonly warnings: readonly string[];
}

export interface ConfigSources {
  /** Text by flag name, without dashes. */
  readonly flags: ReadonlyMap<string, string>;
  readonly environment: Environment;
  readonly file: ConfigFile | undefined;
  readonly surroundings: Surroundings;
}

/** @throws ConfigError naming the key, the value, where it came from and what is allowed */
export function resolveConfig(sources: ConfigSources): TakeoffConfig {
  const { flags, environment, file, surroundings } = sources;
  if (file !== undefined) validateServerKeys(file);
  const server = resolveSection(
    serverConfigSchema,
    SERVER_SETTINGS,
    [
      flagLayer(SERVER_SETTINGS, flags),
      environmentLayer(SERVER_SETTINGS, environment),
      fileLayer(SERVER_SETTINGS, file?.server ?? {}, `server_config of ${file?.path ?? ''}`),
      sharedLayer(SERVER_SETTINGS, environment),
    ],
    surroundings,
  );
  validatePortsDiffer(server);
  const readers = resolveReaders(sources);
  validateRoles(server, readers);
  return Object.freeze({
    server,
    readers: server.addReaderIdSuffix ? withSuffixes(readers, surroundings) : readers,
    filePath: file?.path ?? null,
    readerDefaults: readerDefaultsOf(file),
    warnings: [...warnOfUnusedKeys(environment, file), ...warnOfUnusedValues(server)],
  });
}

/** With redis_url a process is a gateway or one reader, never both. */
function validateRoles({ headless, redisUrl }: ServerConfig, readers: readonly ReaderConfig[]): void {
  if (!headless) return;
  if (redisUrl === null) {
    throw new ConfigError(
      'headless is true and redis_url is not set: a reader without gateway takes its requests from Redis, such as redis://127.0.0.1:6379.',
    );
  }
  if (readers.length > 1) {
    throw new ConfigError(
      `headless is true and the configuration has ${readers.length} readers (${readers.map(({ readerId }) => readerId).join(', ')}); allowed is one for each process.`,
    );
  }
}

const withSuffixes = (
  readers: readonly ReaderConfig[],
  { newReaderId }: Surroundings,
): readonly ReaderConfig[] =>
  Object.freeze(
    readers.map((reader) => Object.freeze({ ...reader, readerId: `${reader.readerId}_${newReaderId()}` })),
  );

function validatePortsDiffer(server: ServerConfig): void {
  const opened: (readonly [key: string, port: number])[] = [['port', server.port]];
  if (server.launchManagementServer) opened.push(['management_port', server.managementPort]);
  if (server.launchOpenaiServer) opened.push(['openai_port', server.openaiPort]);
  const { internalPort, redisUrl } = server;
  if (internalPort !== null && redisUrl !== null) opened.push(['internal_port', internalPort]);
  for (const [index, [key, port]] of opened.entries()) {
    const [twin] = opened.slice(0, index).find(([, other]) => other === port && port !== 0) ?? [];
    if (twin !== undefined) throw new ConfigError(`${twin} and ${key} are both ${port}; they must differ.`);
  }
}

/** Readers are defined in config.yaml, or one by flags and variables, never in both places: Takeoff's rule. */
function resolveReaders({ flags, environment, file, surroundings }: ConfigSources): readonly ReaderConfig[] {
  const settings = outsideFile(READER_SETTINGS);
  const outside = [flagLayer(settings, flags), environmentLayer(settings, environment)];
  const entries = Object.entries(file?.readers ?? {});
  if (file === undefined || entries.length === 0) {
    const layers = [...outside, readerDefaultsOf(file)];
    return Object.freeze([resolveReader(layers, surroundings)]);
  }
  const clash = outside.flatMap((layer) => [...layer.values()])[0];
  if (clash !== undefined) {
    throw new ConfigError(
      `${file.path} defines the readers (${entries.map(([id]) => id).join(', ')}), and ${clash.source} sets one too. ` +
        `Allowed is one place only: remove readers_config from the file, or ${clash.source}.`,
    );
  }
  return Object.freeze(entries.map(([id, keys]) => resolveFileReader(id, keys, file, surroundings)));
}

function resolveFileReader(
  id: string,
  keys: Readonly<Record<string, unknown>>,
  file: ConfigFile,
  surroundings: Surroundings,
): ReaderConfig {
  const where = `readers_config.${id} of ${file.path}`;
  const layer = fileLayer(READER_SETTINGS, { ...keys, reader_id: id }, where);
  if (!layer.has('model_name'))
    throw new ConfigError(
      `${where} has no model_name: a folder with a checkpoint, or a name of the model hub.`,
    );
  return resolveReader([layer, readerDefaultsOf(file)], surroundings);
}

function resolveReader(layers: readonly Layer[], surroundings: Surroundings): ReaderConfig {
  const reader = resolveSection(readerConfigSchema, READER_SETTINGS, layers, surroundings);
  if (reader.device !== 'cpu' || reader.tensorParallel === 1) return reader;
  throw new ConfigError(
    `tensor_parallel is ${reader.tensorParallel}, and device is cpu; only GPUs share the layers of a model. Allowed there is 1.`,
  );
}

/** Takeoff 0.17 had these settings of readers in server_config. */
function readerDefaultsOf(file: ConfigFile | undefined): Layer {
  const settings = READER_SETTINGS.filter(({ facts }) => READER_DEFAULTS_OF_SERVER.has(facts.key));
  return fileLayer(settings, file?.server ?? {}, `server_config of ${file?.path ?? ''}`);
}

/**
 * A reader from settings that came in a request; the id is a new one where they have none.
 * @throws ConfigError
 */
export function resolveAddedReader(
  keys: Readonly<Record<string, unknown>>,
  surroundings: Surroundings,
  defaults: Layer = new Map(),
): ReaderConfig {
  const layer = fileLayer(READER_SETTINGS, keys, 'the request');
  if (!layer.has('model_name'))
    throw new ConfigError('model_name is missing: a folder with a checkpoint, or a name of the model hub.');
  return resolveReader([layer, defaults], surroundings);
}

/** The settings of readers that can change without loading a model anew. */
const CHANGEABLE_KEYS = ['consumer_group', 'max_batch_size', 'log_level', 'loras'] as const;

/**
 * What of a reader is to be changed; what is not named is undefined.
 * @throws ConfigError also for a setting that cannot be changed
 */
export function resolveReaderChanges(
  keys: Readonly<Record<string, unknown>>,
): z.output<typeof changesSchema> {
  const settings = READER_SETTINGS.filter(({ facts }) => CHANGEABLE_KEYS.some((key) => key === facts.key));
  const spellings = spellingsOf(settings);
  const fixed = Object.keys(keys).find((key) => !spellings.has(key));
  if (fixed !== undefined || Object.keys(keys).length === 0) {
    throw new ConfigError(
      `${fixed === undefined ? 'The request names nothing to change' : `${JSON.stringify(fixed.slice(0, MAX_SHOWN_CHARACTERS))} cannot be changed while the reader runs`}; allowed: ${[...spellings].join(', ')}. Add a reader with other settings and remove this one.`,
    );
  }
  const layer = fileLayer(settings, keys, 'the request');
  const values = settings.flatMap((setting) => {
    const given = layer.get(setting.facts.key);
    return given === undefined ? [] : [[setting.name, validate(setting, given)] as const];
  });
  return changesSchema.parse(Object.fromEntries(values));
}

const changesSchema = readerConfigSchema
  .pick({ consumerGroups: true, maxBatchSize: true, logLevel: true, loras: true })
  .partial();

function flagLayer(settings: readonly NamedSetting[], flags: ReadonlyMap<string, string>): Layer {
  return layerOf(settings, (spelling, facts) => {
    const name = flagName(facts);
    const value = spelling === facts.key ? flags.get(name) : undefined;
    return value === undefined ? undefined : { value, source: `the flag --${name}` };
  });
}

const fileLayer = (
  settings: readonly NamedSetting[],
  keys: Readonly<Record<string, unknown>>,
  where: string,
): Layer => layerOf(settings, (spelling) => ({ value: keys[spelling], source: `${spelling} in ${where}` }));

function resolveSection<S extends z.ZodObject>(
  schema: S,
  settings: readonly NamedSetting[],
  layers: readonly Layer[],
  surroundings: Surroundings,
): Readonly<z.output<S>> {
  const values = settings.map((setting) => {
    const given = layers.map((layer) => layer.get(setting.facts.key)).find((value) => value !== undefined);
    const value = given === undefined ? setting.facts.defaultValue(surroundings) : validate(setting, given);
    return [setting.name, value] as const;
  });
  return Object.freeze(schema.parse(Object.fromEntries(values)));
}

/** Characters of a refused value that a message repeats. */
const MAX_SHOWN_CHARACTERS = 100;
const PASSWORD_OF_ADDRESS = /\/\/[^/\s]*@/gu;

function validate({ schema, facts }: NamedSetting, { value, source }: Given): unknown {
  const typed = typeof value === 'string' ? facts.fromText(value) : value;
  const parsed = z.safeParse(schema, typed);
  if (parsed.success) return parsed.data;
  const shown = facts.isSecret
    ? 'set to a value that is not shown'
    : JSON.stringify(value).replace(PASSWORD_OF_ADDRESS, '//…@').slice(0, MAX_SHOWN_CHARACTERS);
  const advice = typeof value === 'string' ? facts.advice[value.toLowerCase()] : undefined;
  const sentences = [`${facts.key} is ${shown}, from ${source}; allowed: ${facts.allowed}.`, advice ?? ''];
  throw new ConfigError(sentences.join(' ').trim(), { cause: parsed.error });
}
