// The values of the chart against their schema: what the ten value files have is allowed, and what is misspelt or impossible is refused
// by name. Helm does the same with another validator; chart.test.ts asks it.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repositoryRoot } from '../../harness/running-server.js';
import { settingsSchemas } from './settings-schema.js';

const CHART = path.join(repositoryRoot(), 'deploy/helm');
const VALUES = path.join(repositoryRoot(), 'test/chart/values');

const readYaml = (file: string): unknown => parse(readFileSync(file, 'utf8'));
const schema = JSON.parse(readFileSync(path.join(CHART, 'values.schema.json'), 'utf8')) as {
  readonly $defs: Readonly<Record<string, unknown>>;
};
const ajv = new Ajv({ allErrors: true, strict: false });
const validate = ajv.compile(schema);

/** Where and why values are refused. */
function refusals(values: unknown): string {
  validate(values);
  return (validate.errors ?? [])
    .map(({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`)
    .join('\n');
}

describe('values.schema.json', () => {
  it('knows every setting of the server and of readers, and no other', () => {
    const { serverConfig, readerConfig } = settingsSchemas();
    expect(schema.$defs['serverConfig']).toEqual(serverConfig);
    expect(schema.$defs['readerConfig']).toEqual(readerConfig);
  });

  it('allows the values that the chart has by default', () => {
    expect(refusals(readYaml(path.join(CHART, 'values.yaml')))).toBe('');
  });

  it.each(readdirSync(VALUES))('allows %s', (name) => {
    expect(refusals(readYaml(path.join(VALUES, name)))).toBe('');
  });

  const app = (values: object) => ({ applications: { a: values } });
  it.each([
    ['a misspelt part', { gatway: {} }, '"gatway"'],
    [
      'a misspelt setting',
      { gateway: { config: { bodySizeLimit: 1 } } },
      '/gateway/config must NOT have additional properties {"additionalProperty":"bodySizeLimit"}',
    ],
    [
      'a setting in snake_case',
      app({ readerConfig: { model_name: 'm' } }),
      '/applications/a/readerConfig must NOT have additional properties {"additionalProperty":"model_name"}',
    ],
    [
      'a setting of the wrong section',
      app({ readerConfig: { maxQueuedRequests: 1 } }),
      '"maxQueuedRequests"',
    ],
    ['a secret in plain text', { gateway: { config: { apiKey: 'secret-key' } } }, '"apiKey"'],
    ['an address of Redis in plain text', { gateway: { config: { redisUrl: 'redis://r' } } }, '"redisUrl"'],
    [
      'a number that is too small',
      { gateway: { config: { bodySizeLimitBytes: 10 } } },
      '/gateway/config/bodySizeLimitBytes must be >= 1024',
    ],
    ['a number as text', { gateway: { config: { port: '3000' } } }, '/gateway/config/port must be integer'],
    [
      'an unknown device',
      app({ readerConfig: { device: 'tpu' } }),
      '/applications/a/readerConfig/device must be equal to one of the allowed values',
    ],
    [
      'memory in unknown units',
      app({ readerConfig: { pageCacheSize: '5 apples' } }),
      '/applications/a/readerConfig/pageCacheSize',
    ],
    ['an application with a name that is no name', { applications: { My_App: {} } }, 'My_App'],
    ['an unknown trigger', app({ autoscaling: { trigger: 'cron' } }), '/applications/a/autoscaling/trigger'],
    [
      'readers that go to sleep',
      app({ autoscaling: { minReplicas: 0 } }),
      '/applications/a/autoscaling/minReplicas must be >= 1',
    ],
    ['half a card', app({ gpus: 0.5 }), '/applications/a/gpus must be integer'],
    [
      'a container without a limit of memory',
      app({ resources: { limits: { cpu: 1 } } }),
      "/applications/a/resources/limits must have required property 'memory'",
    ],
    [
      'memory that is no quantity',
      app({ resources: { limits: { memory: '16 GB' } } }),
      '/applications/a/resources/limits/memory must match pattern',
    ],
    [
      'half the name of a secret',
      { gateway: { apiKeySecret: { name: 's' } } },
      '/gateway/apiKeySecret must have property key when property name is present',
    ],
    [
      'an address with a scheme',
      { redis: { external: { address: 'redis://r:6379' } } },
      '/redis/external/address must match pattern',
    ],
    ['no gateway', { gateway: { replicas: 0 } }, '/gateway/replicas must be >= 1'],
  ])('refuses %s by name', (_what, values, refusal) => {
    expect(refusals(values)).toContain(refusal);
  });
});
