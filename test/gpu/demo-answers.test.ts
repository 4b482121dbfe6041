// The whole program on the software driver: warm before it is live, the answers of the demo model, /status, and a second start.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLongForm } from '../../harness/long-form.js';
import { RunningServer } from '../../harness/running-server.js';
import { demoCases, imageBytes } from '../process/demo-cases.js';
import { imageForm } from '../process/requests.js';
import { findSoftwareDevice, repositoryPath, SOFTWARE_DRIVER } from './software-driver.js';

const device = await findSoftwareDevice();
const RESTART_MS = 20_000;
/** Of each image some, or all. */
const cases = isLongForm('test:gpu') ? demoCases : demoCases.filter((_, index) => index % 6 === 0);
/** More than run at once, so that some wait. */
const CLIENTS = 4;

const start = (): Promise<RunningServer> =>
  RunningServer.start({
    args: [
      ...['--device', 'vulkan', '--repository-path', repositoryPath()],
      // The driver compiles steps of two to eight rows longest: no prompt leaves so few for its last step.
      ...['--max-batch-size', '2', '--prefill-chunk-size', '160'],
      // A step whose programs are compiled for the first time takes longer than the default on a busy machine.
      ...['--reader-message-timeout-ms', '300000'],
    ],
    env: SOFTWARE_DRIVER,
  });

describe.skipIf(device === null)('the demo model on Vulkan', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await start();
  }, 900_000);
  afterAll(() => server.stop());

  it('is warmed up before the reader is live', () => {
    expect(server.output).toContain('warming up');
  });

  it('answers requests, several at once, as the reference does', async () => {
    const waiting = [...cases.entries()];
    const answers: string[] = [];
    const client = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, { image, request }] = next;
        const form = imageForm(imageBytes(image), request);
        const response = await fetch(`${server.url}/image_generate`, { method: 'POST', body: form });
        answers[index] = ((await response.json()) as { text: string }).text;
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    expect(answers).toEqual(cases.map(({ answer }) => answer));
  }, 900_000);

  it('is shown by /status with its device and the reason', async () => {
    const { status } = (await (await fetch(`${server.managementUrl}/status`)).json()) as {
      status: { live_readers: Record<string, { device: string; device_reason: string }> };
    };
    expect(Object.values(status.live_readers)).toEqual([
      expect.objectContaining({
        device: 'vulkan',
        device_reason: expect.stringMatching(
          /^device: vulkan, Vulkan0 \(.+\), because device is vulkan/u,
        ) as string,
      }),
    ]);
  });

  it('is live again within 20 s once the driver has compiled everything', async () => {
    await server.stop();
    const before = performance.now();
    server = await start();
    expect(performance.now() - before).toBeLessThan(RESTART_MS);
  }, 300_000);
});
