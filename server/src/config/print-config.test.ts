import { describe, expect, it } from 'vitest';
import { parseConfigFile } from './config-file.js';
import { printConfig } from './print-config.js';
import { resolveConfig } from './resolve-config.js';

const surroundings = { cacheFolder: '/cache', demoModelFolder: '/demo', newReaderId: () => 'id' };
const resolve = (environment: Readonly<Record<string, string>>, file?: string) =>
  resolveConfig({
    flags: new Map(),
    environment,
    file: file === undefined ? undefined : parseConfigFile(file, 'c.yaml'),
    surroundings,
  });

describe('printConfig', () => {
  it('prints a configuration file that resolves to the same configuration', () => {
    const config = resolve({
      TAKEOFF_PORT: '4000',
      TAKEOFF_MODEL_NAME: '/m',
      TAKEOFF_RESERVED_CONSUMERS: 'a,b',
    });
    expect(resolve({}, printConfig(config))).toEqual({ ...config, filePath: 'c.yaml' });
  });

  it('hides secrets that are set and prints null for those that are not', () => {
    expect(printConfig(resolve({ TAKEOFF_ACCESS_TOKEN: 'hf_secret' }))).not.toContain('hf_secret');
    expect(printConfig(resolve({ TAKEOFF_ACCESS_TOKEN: 'hf_secret' }))).toContain(
      '"access_token": "(hidden)"',
    );
    expect(printConfig(resolve({}))).toContain('"access_token": null');
  });
});
