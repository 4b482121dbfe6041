// Real readers of the demo model that are added, drained, removed and killed in random order while requests run: no request is lost,
// what /status says is true at every moment, and no process and no memory is left. Runs under `npm run test:readers` only; the same
// traces with scripted readers are in gateway/readers/reader-service.test.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TakeoffClient, TakeoffClientError } from 'takeoff-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { residentMemoryBytes, repositoryRoot, RunningServer } from '../../harness/running-server.js';

const DEMO = path.join(repositoryRoot(), 'models/demo/checkpoint');
const isAsked = isLongForm('test:readers');
const SEQUENCES = 20;
const ACTIONS = 12;
const MOST_READERS = 3;
/** What a gateway may keep after twenty sequences: records of requests in its metrics, and what its collector has not returned. */
const KEPT_BYTES = 64 * 2 ** 20;
/** A request that finds no reader, or whose reader was killed or removed by force, is told so; anything else is lost. */
const TOLD = ['group.unavailable', 'group.failed', 'reader.died'];

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-sequences-'));
let server: RunningServer;
let client: TakeoffClient;
beforeAll(async () => {
  if (!isAsked) return;
  server = await RunningServer.start({ args: ['--reader-id', 'stays', '--repository-path', cache] });
  const managementPort = Number(new URL(server.managementUrl).port);
  client = new TakeoffClient({ baseUrl: server.url, managementPort, retries: 0 });
}, 120_000);
afterAll(async () => {
  if (isAsked) await server.stop();
  rmSync(cache, { recursive: true });
});

const readerPids = (): number[] =>
  server
    .processes()
    .filter(({ name }) => name === 'reader')
    .map(({ pid }) => pid);

const statusNow = async () => (await client.managementStatus()).status;

/** What /status says of readers and groups fits together, and live readers have a process. */
async function expectTrueStatus(): Promise<void> {
  const before = new Set(readerPids());
  const {
    live_readers: live,
    dead_readers: dead,
    loading_readers: loading,
    consumer_groups: groups,
  } = await statusNow();
  const ids = [live, dead, loading].flatMap((readers) => Object.keys(readers));
  expect(new Set(ids).size).toBe(ids.length);
  const now = new Set([...before, ...readerPids()]);
  for (const { pids, consumer_groups: served } of Object.values(live)) {
    expect(pids.filter((pid) => now.has(pid))).toEqual(pids);
    for (const group of served) expect(groups).toHaveProperty([group]);
  }
  for (const [name, { ready }] of Object.entries(groups)) {
    const takers = Object.values(live).filter(
      (reader) => reader.consumer_groups.includes(name) && reader.detail === 'live',
    );
    expect([name, ready]).toEqual([name, takers.length > 0]);
  }
}

async function ask(group: string): Promise<string> {
  try {
    const { text } = await client.generate('USER: Is there a circle?\nASSISTANT:', {
      consumerGroup: group,
      maxNewTokens: 16,
    });
    return text;
  } catch (error) {
    if (error instanceof TakeoffClientError && TOLD.includes(error.code)) return 'told';
    throw error;
  }
}

async function runSequence(seed: number, answer: string): Promise<void> {
  const random = new Random(seed);
  const names = new Set<string>();
  const requests: Promise<string>[] = [];
  const removals: Promise<void>[] = [];
  for (let action = 0; action < ACTIONS; action += 1) {
    const name = random.pick([...names, 'none']);
    const kind = random.pick(['add', 'ask', 'ask', 'ask', 'kill', 'drain', 'force']);
    if (kind === 'add' && names.size < MOST_READERS) {
      const readerId = `r${seed}-${action}`;
      names.add(readerId);
      await client.createReader({
        model_name: DEMO,
        reader_id: readerId,
        consumer_group: ['primary', 'come-and-go'],
      });
    } else if (kind === 'ask') {
      requests.push(ask(random.pick(['primary', 'come-and-go'])));
    } else if (names.has(name) && kind === 'kill') {
      for (const pid of (await statusNow()).live_readers[name]?.pids ?? []) killIfThere(pid);
      // Until the gateway has been told by the system.
      await vi.waitFor(expectTrueStatus, { timeout: 20_000 });
    } else if (names.delete(name)) {
      removals.push(client.deleteReader(name, { force: kind === 'force' }));
    }
    await expectTrueStatus();
  }
  for (const name of names) removals.push(client.deleteReader(name));
  await Promise.all(removals);
  for (const text of await Promise.all(requests)) expect(['told', answer]).toContain(text);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

describe.runIf(isAsked && process.platform === 'linux')('readers of the demo model', () => {
  it(`survive ${SEQUENCES} random sequences of additions, drains, removals, kills and requests`, async () => {
    const answer = await ask('primary');
    const [stays] = readerPids();
    let firstBytes = 0;
    for (let seed = 1; seed <= SEQUENCES; seed += 1) {
      await runSequence(seed, answer);
      await server.until(() => readerPids().length === 1, 30_000);
      expect([seed, readerPids()]).toEqual([seed, [stays]]);
      // The first one warms caches of the runtime up.
      if (seed === 1) firstBytes = residentMemoryBytes(server.child.pid ?? 0);
    }
    expect(residentMemoryBytes(server.child.pid ?? 0) - firstBytes).toBeLessThan(KEPT_BYTES);
    expect(Object.keys((await statusNow()).live_readers)).toEqual(['stays']);
  }, 900_000);
});
