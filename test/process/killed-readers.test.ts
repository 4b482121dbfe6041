// Eight clients ask the demo model without a pause while its reader is killed again and again: what they are answered, and what is
// left afterwards. `npm test` runs half a minute of it, `npm run test:killed` two minutes with a kill every 20 seconds.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isErrorCode } from 'takeoff-wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { Random } from '../oracles/random.js';
import { demoCases, imageBytes, type DemoCase } from './demo-cases.js';
import { eventsOf, imageForm } from './requests.js';

const isFull = process.env['npm_lifecycle_event'] === 'test:killed';
const RUN_MS = isFull ? 120_000 : 30_000;
const KILL_INTERVAL_MS = isFull ? 20_000 : 6_000;
const CLIENTS = 8;
/** Little more than the clients need, so that a place which does not come back is missed. */
const PLACES = 2 * CLIENTS;

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-process-'));
let server: RunningServer;
beforeAll(async () => {
  const args = ['--repository-path', cache, '--max-queued-requests', String(PLACES)];
  server = await RunningServer.start({ args });
}, 120_000);
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

type Outcome =
  /** Exactly the expected answer. */
  | 'right'
  /** An error of the table, as the status of the answer or as the last event of a stream. */
  | 'clean error'
  | 'cancelled'
  /** Anything else: another text, a stream without an end, a broken connection. */
  | 'wrong';

const codeIn = (body: unknown): string => (body as { error?: { code?: string } }).error?.code ?? '';

/** How often each error was told. */
const told = new Map<string, number>();

function outcomeOf(code: string): Outcome {
  told.set(code, (told.get(code) ?? 0) + 1);
  return isErrorCode(code) ? 'clean error' : 'wrong';
}

async function buffered(response: Response, answer: string): Promise<Outcome> {
  const body = (await response.json()) as { text?: string };
  if (response.status !== 200) return outcomeOf(codeIn(body));
  return body.text === answer ? 'right' : 'wrong';
}

async function streamed(response: Response, answer: string): Promise<Outcome> {
  if (response.status !== 200) return buffered(response, answer);
  let text = '';
  let last = '';
  for await (const { name, data } of eventsOf(response)) {
    if (name === 'error') return outcomeOf(codeIn(JSON.parse(data)));
    text += last;
    last = data;
  }
  // Metadata is the last event of a stream that is whole.
  return last.startsWith('{"text":"","metadata"') && text === answer ? 'right' : 'wrong';
}

async function ask({ image, request, answer }: DemoCase, isStream: boolean, signal: AbortSignal) {
  const route = isStream ? '/image_generate_stream' : '/image_generate';
  const form = imageForm(imageBytes(image), { ...request, return_metadata: isStream });
  try {
    const response = await fetch(server.url + route, { method: 'POST', body: form, signal });
    return await (isStream ? streamed(response, answer) : buffered(response, answer));
  } catch {
    return signal.aborted ? 'cancelled' : 'wrong';
  }
}

/** Asks until the time is over; every tenth request is cancelled in the middle. One client in eight streams. */
async function client(seed: number, untilMs: number, outcomes: Outcome[]): Promise<void> {
  const random = new Random(seed);
  const isStream = seed % CLIENTS === 0;
  while (performance.now() < untilMs) {
    const signal =
      random.below(10) === 0 ? AbortSignal.timeout(random.below(400)) : new AbortController().signal;
    outcomes.push(await ask(random.pick(demoCases), isStream, signal));
  }
}

/**
 * Kills whatever reader there is, at each interval; says how many. In between it lets some work be done, also on a slow machine: a
 * request that is never answered between two deaths cannot be told from one that readers die of, and would be refused.
 */
async function killer(untilMs: number, outcomes: readonly Outcome[]): Promise<number> {
  let kills = 0;
  let answeredBefore = 0;
  for (let dueMs = performance.now() + KILL_INTERVAL_MS; ;) {
    await delay(100);
    if (performance.now() >= untilMs) return kills;
    const reader = server.processes().find(({ name }) => name === 'reader');
    const answered = outcomes.filter((outcome) => outcome === 'right').length;
    if (performance.now() < dueMs || reader === undefined || answered < answeredBefore + 3 * CLIENTS)
      continue;
    process.kill(reader.pid, 'SIGKILL');
    kills += 1;
    dueMs = performance.now() + KILL_INTERVAL_MS;
    answeredBefore = answered;
  }
}

const residentBytes = (): number =>
  Number(/VmRSS:\s+(\d+) kB/u.exec(readFileSync(`/proc/${server.child.pid ?? 0}/status`, 'utf8'))?.[1]) *
  1024;

async function openPrompts(): Promise<number[]> {
  const { status } = (await (await fetch(`${server.managementUrl}/status`)).json()) as {
    status: { live_readers: Record<string, { open_prompts: number }> };
  };
  return Object.values(status.live_readers).map(({ open_prompts }) => open_prompts);
}

describe.runIf(process.platform === 'linux')('a reader that is killed again and again', () => {
  it('costs hardly any request its answer, and nothing stays behind', async () => {
    const untilMs = performance.now() + RUN_MS;
    const outcomes: Outcome[] = [];
    const clients = Array.from({ length: CLIENTS }, (_, index) => client(index + 1, untilMs, outcomes));
    const kills = await killer(untilMs, outcomes);
    await Promise.all(clients);

    const count = (wanted: Outcome): number => outcomes.filter((outcome) => outcome === wanted).length;
    const [right, failed, cancelled] = [count('right'), count('clean error'), count('cancelled')];
    const share = right / (outcomes.length - cancelled);
    const percent = (100 * share).toFixed(2);
    process.stdout.write(
      `${kills} kills in ${RUN_MS / 1000} s: ${right} answers right (${percent} %), ${failed} clean errors (${[...told].map(([code, times]) => `${times} ${code}`).join(', ')}), ${cancelled} cancelled\n`,
    );
    expect(kills).toBeGreaterThanOrEqual(2);
    expect(cancelled).toBeGreaterThan(0);
    expect(count('wrong')).toBe(0);
    expect(share).toBeGreaterThanOrEqual(0.95);

    await server.until(() => server.isReady(), 30_000);
    await expect.poll(openPrompts, { timeout: 10_000 }).toEqual([0]);
    const all = await Promise.all(
      Array.from({ length: PLACES }, (_, index) => {
        const asked = demoCases[index % demoCases.length]!;
        return ask(asked, index % 2 === 0, new AbortController().signal);
      }),
    );
    expect(new Set(all)).toEqual(new Set(['right']));
    // Idle the gateway takes 90 MiB.
    expect(residentBytes()).toBeLessThan(256 * 2 ** 20);
  }, 240_000);
});
