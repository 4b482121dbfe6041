// Reads the small JSON files around a tokenizer, as far as they are there. generation_config.json may be broken: transformers then goes on
// with config.json, and an interrupted save leaves it empty; the others decide which tokens a prompt becomes, so they may not.
import type { z } from 'zod';
import { CheckpointError } from '../../errors.js';
import { containedPath } from '../files/contained-path.js';
import { MAX_CONFIG_BYTES, readJsonFile, type JsonFile } from '../files/json-file.js';
import {
  addedTokensSchema,
  generationConfigSchema,
  oddityOf,
  specialTokensMapSchema,
  tokenizerConfigSchema,
  type SpecialTokensMap,
  type TokenizerConfig,
} from './tokenizer-config.js';

const GENERATION_FILE = 'generation_config.json';
export const SMALL_FILES = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  GENERATION_FILE,
] as const;
const SPECIAL_KEYS = ['bos_token', 'eos_token', 'unk_token', 'pad_token'] as const;

interface SmallFiles {
  readonly config: TokenizerConfig;
  readonly specialTokens: SpecialTokensMap;
  /** Spelling to id. */
  readonly addedTokens: Readonly<Record<string, number>>;
  readonly generation: z.infer<typeof generationConfigSchema> | undefined;
  /** What is odd in them, with file, key and line. */
  readonly warnings: readonly string[];
}

interface Place {
  readonly folder: string;
  readonly fileNames: readonly string[];
}

/** @throws CheckpointError of any code */
export async function readSmallFiles(place: Place): Promise<SmallFiles> {
  const config = await optionalJson(place, 'tokenizer_config.json', tokenizerConfigSchema);
  const specialTokens = await optionalJson(place, 'special_tokens_map.json', specialTokensMapSchema);
  const addedTokens = await optionalJson(place, 'added_tokens.json', addedTokensSchema);
  const { generation, broken } = await readGenerationConfig(place);
  return {
    config: config?.value ?? {},
    specialTokens: specialTokens?.value ?? {},
    addedTokens: addedTokens?.value ?? {},
    generation: generation?.value,
    warnings: [
      ...[config, specialTokens].flatMap((file) =>
        file === undefined ? [] : [...file.warnings, ...oddTokens(file)],
      ),
      ...(addedTokens?.warnings ?? []),
      ...(generation === undefined ? [] : [...generation.warnings, ...oddIds(generation)]),
      ...broken,
    ],
  };
}

async function optionalJson<T>(
  { folder, fileNames }: Place,
  name: string,
  schema: z.ZodType<T>,
): Promise<JsonFile<T> | undefined> {
  if (!fileNames.includes(name)) return undefined;
  return readJsonFile(await containedPath(folder, name, folder), schema, MAX_CONFIG_BYTES);
}

async function readGenerationConfig({ folder, fileNames }: Place) {
  if (!fileNames.includes(GENERATION_FILE)) return { generation: undefined, broken: [] };
  // A link that leads out of the folder is no broken file.
  const path = await containedPath(folder, GENERATION_FILE, folder);
  try {
    return { generation: await readJsonFile(path, generationConfigSchema, MAX_CONFIG_BYTES), broken: [] };
  } catch (error) {
    if (!(error instanceof CheckpointError) || error.code !== 'checkpoint.malformed') throw error;
    return {
      generation: undefined,
      broken: [`${error.message} The end tokens of config.json count instead.`],
    };
  }
}

function oddTokens({ value, place }: JsonFile<SpecialTokensMap>): string[] {
  return SPECIAL_KEYS.flatMap((key) => {
    const oddity = oddityOf(value[key]);
    return oddity === undefined ? [] : [`${place([key])} ${oddity}.`];
  });
}

function oddIds({ value, place }: JsonFile<z.infer<typeof generationConfigSchema>>): string[] {
  const negative = [value.eos_token_id ?? []].flat().filter((id) => id < 0);
  return negative.map(
    (id) => `${place(['eos_token_id'])} is ${id}, which names no token; it is passed over.`,
  );
}
