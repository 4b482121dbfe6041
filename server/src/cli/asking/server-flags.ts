// The flags that say which server answers a command, and with which model one is started.
import type { Command } from 'commander';
import type { TakeoffConfig } from '../../config/resolve-config.js';
import { HUB_KEYS } from '../hub-keys.js';
import { addSettingFlags, settingsWith } from '../setting-flags.js';
import type { ServerChoice } from './answering-server.js';

/** Other settings of a server that is started come from variables and config.yaml. */
export const ASKING_SETTINGS = settingsWith(
  'api_key',
  'consumer_group',
  'model_name',
  'projector_file',
  'model_base',
  'device',
  'quant_type',
  'vision_quant_type',
  'threads',
  'kernels',
  'max_batch_size',
  'max_sequence_length',
  'llama_lib_dir',
  ...HUB_KEYS,
);

export interface ServerFlags {
  readonly url?: string;
  readonly config?: string;
  readonly model?: string;
  readonly consumerGroup?: string;
}

export function addServerFlags(command: Command): void {
  command.option('--url <address>', 'a running server, such as http://127.0.0.1:3000');
  addSettingFlags(command, ASKING_SETTINGS);
  command.option('--config <file>', 'configuration file');
}

export const serverChoice = (
  { url, model, consumerGroup }: ServerFlags,
  config: TakeoffConfig,
): ServerChoice => ({ url, namesModel: model !== undefined, consumerGroup, config });
