// What holds for a reader whose answers come from a cluster, and for others of the settings that only such a reader has.
import { ConfigError } from '../errors.js';
import type { Layer } from './layers.js';
import type { ReaderConfig } from './reader-settings.js';

/** Everybody may see the name; the address is for the operator. */
const UNNAMED = 'cluster';

/** A reader with `device: api`. What it is called, where nothing was said: as its model in the cluster. @throws ConfigError */
export function resolveApiReader(reader: ReaderConfig, layers: readonly Layer[]): ReaderConfig {
  const { apiUrl } = reader;
  if (apiUrl === null) {
    throw new ConfigError(
      "device is api, and api_url is not set: the address of a cluster that speaks OpenAI's API, such as http://127.0.0.1:8000/v1.",
    );
  }
  validateNoModelSettings(reader);
  const isNamed = layers.some((layer) => layer.has('model_name'));
  const apiModel = reader.apiModel ?? (isNamed ? reader.modelName : null);
  return Object.freeze({
    ...reader,
    apiModel,
    modelName: isNamed ? reader.modelName : (apiModel ?? UNNAMED),
  });
}

/** @throws ConfigError for what would have no effect, the key of a cluster above all */
export function validateNoApiSettings({ device, ...reader }: ReaderConfig): void {
  const { apiUrl, apiKey, clusterApiKey, apiModel } = reader;
  const given = Object.entries({
    api_url: apiUrl,
    api_key: apiKey,
    cluster_api_key: clusterApiKey,
    api_model: apiModel,
  }).find(([, value]) => value !== null);
  if (given === undefined) return;
  throw new ConfigError(
    `${given[0]} is set, and device is ${device}; it counts for device api alone. Set device to api, or remove ${given[0]}.`,
  );
}

/** Settings of a model of this machine that a request would be answered differently by. */
function validateNoModelSettings({
  loras,
  imageTokenBudget,
  chatTemplate,
  tensorParallel,
}: ReaderConfig): void {
  const given = [
    Object.keys(loras).length > 0 && 'loras',
    imageTokenBudget !== 'full' && 'image_token_budget',
    chatTemplate !== null && 'chat_template',
    tensorParallel > 1 && 'tensor_parallel',
  ].find((key) => key !== false);
  if (given === undefined) return;
  throw new ConfigError(
    `${given} is set, and device is api: the cluster has the model, its template and its adapters. Remove ${given}; an adapter that the cluster serves under a name is the api_model of a reader of its own.`,
  );
}
