// Devices that are asked for and not there: a server that needs one says so and ends, and one that has other readers keeps them. Needs
// no GPU and no driver: the model cache of these servers holds no package.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TakeoffClient } from 'takeoff-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer, repositoryRoot } from '../../harness/running-server.js';
import { gpuPackages } from '../../server/src/native/gpu/packages.js';

/** A device with a package in npm for this platform, and one without. */
const installable = gpuPackages()[0]?.backend;
const unknown = process.platform === 'darwin' ? 'cuda' : 'metal';

let cache: string;
beforeAll(() => {
  cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-device-'));
});
afterAll(() => rmSync(cache, { recursive: true }));

const start = (...args: string[]): Promise<RunningServer> =>
  RunningServer.start({ args: ['--repository-path', cache, ...args] });

describe('a server whose only device is not there', () => {
  it.runIf(installable !== undefined)('ends with the command that installs the package', async () => {
    await expect(start('--device', installable ?? '')).rejects.toThrow(
      `"npx takeoff gpu install ${installable}" fetches it`,
    );
  });

  it('ends with what there is instead where npm has no such package for the platform', async () => {
    await expect(start('--device', unknown)).rejects.toThrow('npm has no llama.cpp with it for');
  });
});

describe('a server with another reader', () => {
  it('reports a reader whose device is not there with the reason, and answers as before', async () => {
    const server = await start();
    try {
      const client = new TakeoffClient({
        baseUrl: server.url,
        managementPort: Number(new URL(server.managementUrl).port),
      });
      const { reader_id: readerId } = await client.createReader({
        model_name: path.join(repositoryRoot(), 'models/demo/checkpoint'),
        device: installable ?? unknown,
        consumer_group: 'card',
      });
      const dead = async () => (await client.managementStatus()).status.dead_readers[readerId];
      await server.until(async () => (await dead()) !== undefined, 60_000);
      expect(await dead()).toMatchObject({
        failure: { code: 'native.device_missing', restarts: false },
      });
      expect((await dead())?.detail).toContain(
        installable === undefined ? 'npm has no' : `takeoff gpu install ${installable}`,
      );
      await expect(client.generate('Is there a circle?', { consumerGroup: 'card' })).rejects.toMatchObject({
        code: 'group.failed',
      });
      expect((await client.generate('Is there a circle?', { maxNewTokens: 2 })).text).not.toBe('');
    } finally {
      await server.stop();
    }
  });
});
