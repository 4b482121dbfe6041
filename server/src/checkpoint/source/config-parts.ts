// What the readers of a checkpoint's parts take from its configuration, in either layout. Describing a checkpoint and inspecting one
// ask the same questions here.
import { basename, dirname } from 'node:path';
import type { TokenizerRequest } from '../tokenizer/read-tokenizer.js';
import type { Recognised } from './architecture.js';
import type { LlavaConfig, TextConfig } from './config-schema.js';
import { hubSettings, originalSettings, type LlavaSettings } from './llava-settings.js';

export function textConfigOf(config: LlavaConfig, { layout }: Recognised): TextConfig {
  return layout === 'hub'
    ? { tie_word_embeddings: config.tie_word_embeddings, ...config.text_config }
    : config;
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
    bosId: firstId(textConfig.bos_token_id ?? config.bos_token_id),
    eosIds: [textConfig.eos_token_id ?? [], config.eos_token_id ?? []].flat(),
    reservesPatchToken: settings.reservesPatchToken,
    wrapsImageInStartEnd: settings.wrapsImageInStartEnd,
  };
}

/** Positions that a sequence may use: the model's own limit, or what training cut its texts to. */
export function contextTokensOf(config: LlavaConfig, ownContextTokens: number): number {
  return Math.floor(Math.min(ownContextTokens, config.tokenizer_model_max_length ?? Infinity));
}

/** The folder's name, or the repository's when the folder is a snapshot of the hub's cache. */
export function modelName(folder: string): string {
  const snapshots = dirname(folder);
  return basename(basename(snapshots) === 'snapshots' ? dirname(snapshots) : folder);
}

function firstId(ids: number | readonly number[] | null | undefined): number | null {
  return (typeof ids === 'number' ? ids : ids?.[0]) ?? null;
}
