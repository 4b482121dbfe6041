// How long uploads of photographs stop the gateway's event loop, which delays every other client.
import { fileURLToPath } from 'node:url';
import { twelveMegapixels } from '../images.js';
import type { Measurement } from '../report.js';
import { RunningServer, type StartOptions } from '../../harness/running-server.js';
import { spread } from '../statistics.js';

const AT_ONCE = 4;
const QUIET_MS = 500;
/** Interval at which the gateway samples its event loop. Its figures contain it, so it is subtracted. */
const LOOP_RESOLUTION_MS = 10;
/** LLaVA 1.6 with tiny weights: images become five tiles of 336, as in large models, and hardly anything is computed. */
const ANYRES_MODEL = fileURLToPath(
  new URL('../../../test/goldens/v16-llama-anyres/checkpoint', import.meta.url),
);

interface LoopDelay {
  readonly longestMs: number;
  readonly p99Ms: number;
}

export async function benchUploads(runs: number): Promise<Measurement[]> {
  const { bytes } = await twelveMegapixels();
  return [
    ...(await uploadsTo('echo', { env: { TAKEOFF_ECHO: 'true' } }, bytes, runs)),
    ...(await uploadsTo('anyres', { args: ['--model', ANYRES_MODEL] }, bytes, runs)),
  ];
}

async function uploadsTo(
  reader: string,
  options: StartOptions,
  bytes: Uint8Array<ArrayBuffer>,
  runs: number,
): Promise<Measurement[]> {
  const server = await RunningServer.start(options);
  try {
    const times: number[] = [];
    const quiet: LoopDelay[] = [];
    const busy: LoopDelay[] = [];
    // The first uploads start the decoders and are not counted.
    await uploadsAtOnce(server.url, bytes);
    for (let run = 0; run < runs; run += 1) {
      await loopDelay(server.managementUrl);
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      quiet.push(await loopDelay(server.managementUrl));
      const start = performance.now();
      await uploadsAtOnce(server.url, bytes);
      times.push(performance.now() - start);
      busy.push(await loopDelay(server.managementUrl));
    }
    const longest = (delays: readonly LoopDelay[]) => spread(delays.map(({ longestMs }) => longestMs));
    const what = `${AT_ONCE} uploads of 12 MP at once (${reader})`;
    return [
      { name: `${what}, all answered`, unit: 'ms', value: spread(times) },
      { name: `${what}, longest event-loop delay`, unit: 'ms', value: longest(busy) },
      { name: `${what}, p99 event-loop delay`, unit: 'ms', value: spread(busy.map(({ p99Ms }) => p99Ms)) },
      { name: `idle (${reader}), longest event-loop delay`, unit: 'ms', value: longest(quiet) },
    ];
  } finally {
    await server.stop();
  }
}

async function uploadsAtOnce(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await Promise.all(Array.from({ length: AT_ONCE }, () => upload(url, bytes)));
}

async function upload(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const form = new FormData();
  form.set('json_data', '{"text":"x","max_new_tokens":1}');
  form.set('image_data', new Blob([bytes]));
  const response = await fetch(`${url}/image_generate`, { method: 'POST', body: form });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  await response.text();
}

/** Delay of the gateway's event loop since the last call. */
async function loopDelay(managementUrl: string): Promise<LoopDelay> {
  const metrics = await (await fetch(`${managementUrl}/metrics`)).text();
  const beyondResolutionMs = (name: string): number => {
    const seconds = new RegExp(`^${name} (\\S+)$`, 'mu').exec(metrics)?.[1];
    if (seconds === undefined) throw new Error(`The metrics have no ${name}.`);
    return Math.max(0, Number(seconds) * 1000 - LOOP_RESOLUTION_MS);
  };
  return {
    longestMs: beyondResolutionMs('nodejs_eventloop_lag_max_seconds'),
    p99Ms: beyondResolutionMs('nodejs_eventloop_lag_p99_seconds'),
  };
}
