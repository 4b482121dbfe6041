// The config.json that came with a model, for whoever asks what is served. A checkpoint has one; a GGUF file may lie alone.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MAX_CONFIG_BYTES, readJsonFile } from '../../checkpoint/files/json-file.js';

/** As JSON; null where the source is no folder or the folder has none. @throws CheckpointError when it cannot be read */
export async function readModelConfig(source: string): Promise<string | null> {
  const file = join(source, 'config.json');
  if (!existsSync(file)) return null;
  const { value } = await readJsonFile(file, z.record(z.string(), z.unknown()), MAX_CONFIG_BYTES);
  return JSON.stringify(value);
}
