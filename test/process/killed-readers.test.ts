// Eight clients ask the demo model without a pause while its reader is killed again and again: what they are answered, and what is
// left afterwards. `npm test` runs ten seconds of it, `npm run test:killed` two minutes with a kill every 20 seconds.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isErrorCode } from 'takeoff-wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { residentMemoryBytes, RunningServer } from '../../harness/running-server.js';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { demoCases, imageBytes, type DemoCase } from './demo-cases.js';
import { eventsOf, imageForm } from './requests.js';

const isLong = isLongForm('test:killed');
const RUN_MS = isLong ? 120_000 : 10_000;
/** Deaths that follow one another closely make a suspect of whatever was asked both times, which is refused then. */
const KILL_INTERVAL_MS = isLong ? 20_000 : 3_000;
const LEAST_KILLS = 3;
/** A slow machine gets more time for them. */
const LONGEST_RUN_MS = isLong ? 4 * RUN_MS : 120_000;
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
  /** The error of a request that readers die of: this one was asked while the reader was killed, and cancelled while it was before. */
  | 'blamed'
  | 'cancelled'
  /** Anything else: another text, a stream without an end, a broken connection. */
  | 'wrong';

const codeIn = (body: unknown): string => (body as { error?: { code?: string } }).error?.code ?? '';

/** How often each error was told. */
const told = new Map<string, number>();

function outcomeOf(code: string): Outcome {
  told.set(code, (told.get(code) ?? 0) + 1);
  if (code === 'request.crashes_reader') return 'blamed';
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

/** Told to all clients at once. */
interface Run {
  isOver: boolean;
  readonly outcomes: Outcome[];
  /** What is asked at this moment, by client. */
  readonly asked: Map<number, DemoCase>;
  /** What was asked when the reader was killed last and has not been answered since. */
  readonly suspects: Set<DemoCase>;
  /** For ten minutes nobody is answered who asks one of them. */
  readonly blamed: Set<DemoCase>;
}

/** Asks until the run is over; every tenth request is cancelled in the middle. One client in eight streams. */
async function client(seed: number, run: Run): Promise<void> {
  const random = new Random(seed);
  const isStream = seed % CLIENTS === 0;
  while (!run.isOver) {
    const signal =
      random.below(10) === 0 ? AbortSignal.timeout(random.below(400)) : new AbortController().signal;
    // What is a suspect is asked again first, since there is no further kill before it has been answered.
    const asked = random.pick(run.suspects.size > 0 ? [...run.suspects] : demoCases);
    run.asked.set(seed, asked);
    const outcome = await ask(asked, isStream, signal);
    if (outcome === 'blamed') run.blamed.add(asked);
    if (outcome === 'right' || outcome === 'blamed') run.suspects.delete(asked);
    run.outcomes.push(outcome);
  }
}

/**
 * Kills whatever reader there is, at each interval, until the run has lasted long enough; says how many. In between it lets some
 * work be done, also on a slow machine: a request that is never answered between two deaths cannot be told from one that readers
 * die of, and would be refused.
 */
async function killer({ outcomes, asked, suspects }: Run): Promise<number> {
  const startMs = performance.now();
  let kills = 0;
  let answeredBefore = 0;
  let dueMs = startMs + KILL_INTERVAL_MS;
  for (;;) {
    await delay(100);
    const ranMs = performance.now() - startMs;
    if (ranMs > LONGEST_RUN_MS || (ranMs > RUN_MS && kills >= LEAST_KILLS)) return kills;
    const reader = server.processes().find(({ name }) => name === 'reader');
    const answered = countOf(outcomes, 'right');
    if (performance.now() < dueMs || reader === undefined || answered < answeredBefore + 3 * CLIENTS)
      continue;
    // One that its client cancelled is a suspect until somebody asks it again.
    if (suspects.size > 0) continue;
    for (const suspect of asked.values()) suspects.add(suspect);
    process.kill(reader.pid, 'SIGKILL');
    kills += 1;
    dueMs = performance.now() + KILL_INTERVAL_MS;
    answeredBefore = answered;
  }
}

const countOf = (outcomes: readonly Outcome[], wanted: Outcome): number =>
  outcomes.filter((outcome) => outcome === wanted).length;

async function openPrompts(): Promise<number[]> {
  const { status } = (await (await fetch(`${server.managementUrl}/status`)).json()) as {
    status: { live_readers: Record<string, { open_prompts: number }> };
  };
  return Object.values(status.live_readers).map(({ open_prompts }) => open_prompts);
}

describe.runIf(process.platform === 'linux')('a reader that is killed again and again', () => {
  it(
    'costs hardly any request its answer, and nothing stays behind',
    async () => {
      const run: Run = {
        isOver: false,
        outcomes: [],
        asked: new Map(),
        suspects: new Set(),
        blamed: new Set(),
      };
      const clients = Array.from({ length: CLIENTS }, (_, index) => client(index + 1, run));
      const startMs = performance.now();
      const kills = await killer(run);
      run.isOver = true;
      await Promise.all(clients);

      const seconds = Math.round((performance.now() - startMs) / 1000);
      const { outcomes } = run;
      const count = (wanted: Outcome): number => countOf(outcomes, wanted);
      const [right, failed, cancelled] = [
        count('right'),
        count('clean error') + count('blamed'),
        count('cancelled'),
      ];
      const share = right / (outcomes.length - cancelled);
      const percent = (100 * share).toFixed(2);
      process.stdout.write(
        `${kills} kills in ${seconds} s: ${right} answers right (${percent} %), ${failed} clean errors (${[...told].map(([code, times]) => `${times} ${code}`).join(', ')}), ${cancelled} cancelled\n`,
      );
      expect(kills, server.output).toBeGreaterThanOrEqual(LEAST_KILLS);
      expect(cancelled).toBeGreaterThan(0);
      expect(count('wrong')).toBe(0);
      expect(share, server.output).toBeGreaterThanOrEqual(0.95);

      await server.until(() => server.isReady(), 60_000);
      await expect.poll(openPrompts).toEqual([0]);
      const answered = demoCases.filter((demoCase) => !run.blamed.has(demoCase));
      const all = await Promise.all(
        Array.from({ length: PLACES }, (_, index) => {
          const asked = answered[index % answered.length]!;
          return ask(asked, index % 2 === 0, new AbortController().signal);
        }),
      );
      expect(new Set(all)).toEqual(new Set(['right']));
      // Idle the gateway takes 90 MiB.
      expect(residentMemoryBytes(server.child.pid ?? 0)).toBeLessThan(256 * 2 ** 20);
    },
    4 * 120_000 + 60_000,
  );
});
