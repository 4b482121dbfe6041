// Devices that are asked for and not there: the server says so and ends. Needs no GPU and no driver.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { gpuPackages } from '../../server/src/native/gpu/packages.js';

describe('a server whose device is not there', () => {
  let cache: string;
  beforeAll(() => {
    cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-gpu-'));
  });
  afterAll(() => rmSync(cache, { recursive: true }));

  const start = (device: string): Promise<RunningServer> =>
    RunningServer.start({ args: ['--repository-path', cache, '--device', device] });

  it.runIf(gpuPackages().some(({ backend }) => backend === 'cuda'))(
    'ends with the command that installs the package',
    async () => {
      await expect(start('cuda')).rejects.toThrow('"npx takeoff gpu install cuda" fetches it');
    },
  );

  it('ends with what there is instead where npm has no such package for the platform', async () => {
    const none = process.platform === 'darwin' ? 'cuda' : 'metal';
    await expect(start(none)).rejects.toThrow('npm has no llama.cpp with it for');
  });
});
