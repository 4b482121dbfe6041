// What uploads of photographs do to everybody else: how long the gateway's event loop stands still meanwhile.
import { photographs } from '../pictures.js';
import type { Measurement } from '../report.js';
import { RunningServer } from '../server/running-server.js';
import { spread } from '../statistics.js';

const AT_ONCE = 4;
/** The gateway looks at its event loop so often; the figure it shows has this interval in it. */
const LOOP_RESOLUTION_MS = 10;

export async function benchUploads(runs: number): Promise<Measurement[]> {
  const server = await RunningServer.start({ env: { TAKEOFF_ECHO: 'true' } });
  try {
    const [photograph] = await photographs();
    const bytes = photograph?.bytes ?? new Uint8Array();
    const quiet: number[] = [];
    const delays: number[] = [];
    const times: number[] = [];
    await upload(server.url, bytes);
    for (let run = 0; run < runs; run += 1) {
      await loopDelayMs(server.managementUrl);
      await new Promise((resolve) => setTimeout(resolve, 500));
      quiet.push(await loopDelayMs(server.managementUrl));
      const start = performance.now();
      await Promise.all(Array.from({ length: AT_ONCE }, () => upload(server.url, bytes)));
      times.push(performance.now() - start);
      delays.push(await loopDelayMs(server.managementUrl));
    }
    return [
      { name: `${AT_ONCE} uploads of 12 MP at once, all answered`, unit: 'ms', value: spread(times) },
      { name: "the gateway's longest event-loop delay meanwhile", unit: 'ms', value: spread(delays) },
      { name: "the gateway's longest event-loop delay, idle", unit: 'ms', value: spread(quiet) },
    ];
  } finally {
    await server.stop();
  }
}

async function upload(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const form = new FormData();
  form.set('json_data', '{"text":"x","max_new_tokens":1}');
  form.set('image_data', new Blob([bytes]));
  const response = await fetch(`${url}/image_generate`, { method: 'POST', body: form });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  await response.text();
}

/** The longest since it was asked for last. */
async function loopDelayMs(managementUrl: string): Promise<number> {
  const metrics = await (await fetch(`${managementUrl}/metrics`)).text();
  const seconds = /^nodejs_eventloop_lag_max_seconds (\S+)$/mu.exec(metrics)?.[1];
  if (seconds === undefined) throw new Error('The metrics have no nodejs_eventloop_lag_max_seconds.');
  return Math.max(0, Number(seconds) * 1000 - LOOP_RESOLUTION_MS);
}
