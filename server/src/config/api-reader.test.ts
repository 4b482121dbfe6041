import { describe, expect, it } from 'vitest';
import { parseConfigFile } from './config-file.js';
import { printConfig } from './print-config.js';
import { resolveAddedReader, resolveConfig } from './resolve-config.js';

const SURROUNDINGS = {
  cacheFolder: '/cache',
  demoModelFolder: '/demo',
  newReaderId: () => 'a-new-id',
};
const resolve = (environment: Readonly<Record<string, string>>, file?: string) =>
  resolveConfig({
    flags: new Map(),
    environment,
    file: file === undefined ? undefined : parseConfigFile(file, 'config.yaml'),
    surroundings: SURROUNDINGS,
  });
const CLUSTER = { TAKEOFF_DEVICE: 'api', TAKEOFF_API_URL: 'http://gpu:8000' };

describe('a reader with device api', () => {
  it('needs no model of this machine, and its address is not its name', () => {
    expect(resolve(CLUSTER).readers[0]).toMatchObject({ modelName: 'cluster', apiModel: null });
  });

  it('goes by the name of its model in the cluster', () => {
    expect(resolve({ ...CLUSTER, TAKEOFF_API_MODEL: 'qwen' }).readers[0]).toMatchObject({
      modelName: 'qwen',
      apiModel: 'qwen',
    });
    expect(resolve({ ...CLUSTER, TAKEOFF_MODEL_NAME: 'llava' }).readers[0]).toMatchObject({
      apiModel: 'llava',
    });
  });

  it('has its key in its entry of the file, and the key of the server goes to no cluster', () => {
    const file = `takeoff:
  server_config:
    api_key: key-of-clients
  readers_config:
    r1:
      device: api
      api_url: https://gpu/v1
      api_key: key-of-cluster
    r2:
      device: api
      api_url: https://other/v1
`;
    const config = resolve({}, file);
    expect(config.readers.map(({ apiKey }) => apiKey)).toEqual(['key-of-cluster', null]);
    expect(printConfig(config)).not.toMatch(/key-of/u);
    expect(resolve({ ...CLUSTER, TAKEOFF_API_KEY: 'key-of-clients' }).readers[0]).toMatchObject({
      apiKey: null,
      clusterApiKey: null,
    });
  });

  it('has its key in a variable of its own where variables set it', () => {
    expect(resolve({ ...CLUSTER, TAKEOFF_CLUSTER_API_KEY: 'k' }).readers[0]).toMatchObject({
      clusterApiKey: 'k',
    });
  });

  it('can be added while the server runs', () => {
    expect(resolveAddedReader({ device: 'api', api_url: 'http://gpu:8000' }, SURROUNDINGS)).toMatchObject({
      device: 'api',
      apiUrl: 'http://gpu:8000',
    });
  });

  it.each([
    [{ TAKEOFF_DEVICE: 'api' }, 'api_url is not set'],
    [{ TAKEOFF_API_URL: 'http://gpu:8000' }, 'api_url is set, and device is auto'],
    [{ TAKEOFF_CLUSTER_API_KEY: 'hidden-key' }, 'cluster_api_key is set, and device is auto'],
    [{ ...CLUSTER, TAKEOFF_LORAS: 'a=b' }, 'loras is set, and device is api'],
    [{ ...CLUSTER, TAKEOFF_CHAT_TEMPLATE: 'vicuna_v1' }, 'chat_template is set, and device is api'],
    [{ ...CLUSTER, TAKEOFF_IMAGE_TOKEN_BUDGET: '64' }, 'image_token_budget is set, and device is api'],
    [{ ...CLUSTER, TAKEOFF_TENSOR_PARALLEL: '2' }, 'tensor_parallel is set, and device is api'],
    [{ ...CLUSTER, TAKEOFF_API_URL: 'http://name:hidden-key@gpu:8000' }, 'api_url is "http://…@gpu:8000"'],
  ])('is refused for %j', (environment, words) => {
    expect(() => resolve(environment)).toThrow(words);
    expect(() => resolve(environment)).not.toThrow('hidden-key');
  });
});
