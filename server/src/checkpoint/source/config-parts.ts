// What the readers of a checkpoint's parts take from its configuration, in either layout: which level of config.json counts for which
// key. The original classes are flat. In transformers' layout the language model is built from text_config alone, with the defaults of
// its class (4.37, modeling_llava.py); keys of the same name at the top belong to the wrapper around it.
import { basename, dirname } from 'node:path';
import type { JsonFile } from '../files/json-file.js';
import type { TokenizerRequest } from '../tokenizer/read-tokenizer.js';
import type { Recognised } from './architecture.js';
import type { LlavaConfig, TextConfig } from './config-schema.js';
import { hubSettings, originalSettings, type LlavaSettings } from './llava-settings.js';

export function textConfigOf(config: LlavaConfig, { layout }: Recognised): TextConfig {
  return layout === 'hub' ? (config.text_config ?? {}) : config;
}

/** Where these keys stand in config.json. */
export const textConfigPath = ({ layout }: Recognised): string[] => (layout === 'hub' ? ['text_config'] : []);

/**
 * Whether the output matrix is the embedding. In transformers' layout text_config says so; what the top says was true by default in
 * LLaVA-NeXT's first configuration class and meant nothing. Only transformers 5 goes by the top, and then it stores no matrix.
 */
export function tiesEmbeddings(config: LlavaConfig, kind: Recognised, storesOutput: boolean): boolean {
  const own = textConfigOf(config, kind).tie_word_embeddings ?? false;
  return own || (config.tie_word_embeddings === true && !storesOutput);
}

/** @throws CheckpointError checkpoint.unsupported */
export function settingsOf(
  config: LlavaConfig,
  { layout, isNext }: Recognised,
  configFile: string,
): LlavaSettings {
  return layout === 'hub' ? hubSettings(config, isNext, configFile) : originalSettings(config, configFile);
}

export function tokenizerRequestOf(
  config: LlavaConfig,
  kind: Recognised,
  settings: Pick<LlavaSettings, 'reservesPatchToken' | 'wrapsImageInStartEnd'>,
  place: Pick<TokenizerRequest, 'folder' | 'fileNames' | 'rows'>,
): TokenizerRequest {
  const textConfig = textConfigOf(config, kind);
  return {
    ...place,
    // Generation asks the wrapper first (GenerationConfig.from_model_config of transformers 4.37 and 5).
    bosId: firstId(config.bos_token_id ?? textConfig.bos_token_id),
    eosIds: [config.eos_token_id ?? textConfig.eos_token_id ?? []].flat(),
    reservesPatchToken: settings.reservesPatchToken,
    wrapsImageInStartEnd: settings.wrapsImageInStartEnd,
  };
}

/** Positions that a sequence may use: the model's own limit, or what training cut its texts to, which only the original code knows. */
export function contextTokensOf(
  config: LlavaConfig,
  { layout }: Recognised,
  ownContextTokens: number,
): number {
  const trainedTokens = layout === 'original' ? config.tokenizer_model_max_length : undefined;
  return Math.floor(Math.min(ownContextTokens, trainedTokens ?? Infinity));
}

/** The folder's name, or the repository's when the folder is a snapshot of the hub's cache. */
export function modelName(folder: string): string {
  const snapshots = dirname(folder);
  return basename(basename(snapshots) === 'snapshots' ? dirname(snapshots) : folder);
}

/** Ids below 0 name no token. */
export function negativeIdWarnings({ value, place }: JsonFile<LlavaConfig>): string[] {
  const levels = [
    { path: [], ids: value },
    { path: ['text_config'], ids: value.text_config },
  ];
  return levels.flatMap(({ path, ids }) =>
    (['bos_token_id', 'eos_token_id'] as const).flatMap((key) =>
      [ids?.[key] ?? []]
        .flat()
        .filter((id) => id < 0)
        .map((id) => `${place([...path, key])} is ${id}, which names no token; it is passed over.`),
    ),
  );
}

function firstId(ids: number | readonly number[] | null | undefined): number | null {
  return [ids ?? []].flat().find((id) => id >= 0) ?? null;
}
