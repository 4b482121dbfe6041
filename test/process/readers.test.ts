// Readers that come and go in a running server, with real processes: as the official client and LangChain's wrapper add them, killed,
// drained and removed, and remembered for the next start. And what /count tells of requests that are then answered.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TakeoffClient } from 'takeoff-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer, repositoryRoot } from '../../harness/running-server.js';
import { demoCases, imageBytes } from './demo-cases.js';
import { eventsOf, jsonRequest } from './requests.js';

const DEMO = path.join(repositoryRoot(), 'models/demo/checkpoint');
const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-readers-'));
const configFile = path.join(folder, 'config.yaml');

let server: RunningServer;
let client: TakeoffClient;
beforeAll(async () => {
  writeFileSync(
    configFile,
    `takeoff:\n  server_config:\n    persist_readers: true\n  readers_config:\n    first:\n      model_name: ${DEMO}\n`,
  );
  server = await RunningServer.start({ args: ['--config', configFile, '--repository-path', folder] });
  client = new TakeoffClient({
    baseUrl: server.url,
    managementPort: Number(new URL(server.managementUrl).port),
  });
}, 120_000);
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const statesOf = async () => (await client.managementStatus()).status;
const isLive = async (readerId: string) => readerId in (await statesOf()).live_readers;
const ask = (consumerGroup: string) =>
  client.generate('Is there a circle?', { consumerGroup, useChatTemplate: true, maxNewTokens: 8 });

/** As `requests.post(url, json=…)` of the Python client writes LangChain's ReaderConfig. */
const langchainBody = (consumerGroup: string): string =>
  `{"model_name": ${JSON.stringify(DEMO)}, "device": "cpu", "consumer_group": "${consumerGroup}", "tensor_parallel": null, "max_seq_length": 512, "max_batch_size": 4}`;

describe.runIf(process.platform === 'linux')('a running server', () => {
  it('takes the reader of LangChain, answers through it, and lets it go without a process left', async () => {
    const before = server.processes().filter(({ name }) => name === 'reader');
    const created = await fetch(`${server.managementUrl}/reader`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'python-requests/2.31.0' },
      body: langchainBody('langchain'),
    });
    const { reader_id: readerId } = (await created.json()) as { reader_id: string };
    expect([created.status, typeof readerId]).toEqual([201, 'string']);
    await server.until(() => isLive(readerId), 60_000);
    expect((await ask('langchain')).text).toBe((await ask('primary')).text);
    expect((await statesOf()).live_readers[readerId]?.max_batch_size).toBe(4);
    expect(await client.readerConfig(readerId)).toMatchObject({
      architectures: ['LlavaLlamaForCausalLM'],
      takeoff: { reader_id: readerId, max_sequence_length: 512 },
    });
    expect(readFileSync(configFile, 'utf8')).toContain(readerId);
    await client.deleteReader(readerId);
    expect(server.processes().filter(({ name }) => name === 'reader')).toEqual(before);
    expect(readFileSync(configFile, 'utf8')).not.toContain(readerId);
    await expect(ask('langchain')).rejects.toMatchObject({ status: 503 });
  });

  it('delays no token of eight streams by more than three steps while another reader is added', async () => {
    const texts = Array.from({ length: 8 }, (_, stream) => `USER: Tell me of shape ${stream}.\nASSISTANT:`);
    const long = { max_new_tokens: 400, min_new_tokens: 400 };
    const response = await fetch(`${server.url}/generate_stream`, jsonRequest({ text: texts, ...long }));
    // Tokens of each stream so far, and what each stream had when a stream had its last one: the order is that of the reader's steps.
    const counts = texts.map(() => 0);
    const seen: (number[] | undefined)[] = texts.map(() => undefined);
    let worstDelay = 0;
    let added: Promise<{ readonly reader_id: string }> | undefined;
    let tokensBesideLoading = 0;
    let isLoading = false;
    for await (const { data } of eventsOf(response)) {
      const { batch_id: stream } = JSON.parse(data) as { batch_id: number };
      const before = seen[stream];
      if (before !== undefined)
        for (const [other, count] of counts.entries())
          worstDelay = Math.max(worstDelay, count - (before[other] ?? 0) - 1);
      counts[stream] = (counts[stream] ?? 0) + 1;
      seen[stream] = [...counts];
      if (isLoading) tokensBesideLoading += 1;
      if (added !== undefined || counts.some((count) => count < 2)) continue;
      isLoading = true;
      added = client.createReader({ model_name: DEMO, consumer_group: 'late', reader_id: 'late' });
      void added.then(() => server.until(() => isLive('late'), 60_000)).finally(() => (isLoading = false));
    }
    await added;
    expect(worstDelay).toBeLessThanOrEqual(3);
    expect(tokensBesideLoading).toBeGreaterThan(texts.length);
    await server.until(() => isLive('late'), 60_000);
    await client.deleteReader('late');
  });

  it('finishes what a reader has when it is drained, and starts one again that is killed', async () => {
    const { reader_id: readerId } = await client.createReader({
      model_name: DEMO,
      device: 'cpu',
      consumer_group: 'second',
      reader_id: 'second',
    });
    await server.until(() => isLive(readerId), 60_000);
    const [pid = 0] = (await statesOf()).live_readers[readerId]?.pids ?? [];
    process.kill(pid, 'SIGKILL');
    await server.until(async () => (await statesOf()).live_readers[readerId]?.restarts === 1, 60_000);
    const answers: ReturnType<typeof ask>[] = [];
    // On a busy machine the reader may be done with eight before anybody looks.
    await server.until(async () => {
      answers.push(...Array.from({ length: 8 }, () => ask('second')));
      return ((await statesOf()).live_readers[readerId]?.open_prompts ?? 0) > 0;
    }, 20_000);
    await client.deleteReader(readerId);
    expect(new Set((await Promise.all(answers)).map(({ text }) => text)).size).toBe(1);
    expect(await isLive(readerId)).toBe(false);
  });

  it('reports a model that is not there, and answers its group at once with the reason', async () => {
    const { reader_id: readerId } = await client.createReader({
      model_name: '/no/such/model',
      consumer_group: 'broken',
    });
    await server.until(async () => readerId in (await statesOf()).dead_readers, 60_000);
    expect((await statesOf()).dead_readers[readerId]).toMatchObject({
      failure: { code: 'checkpoint.missing', restarts: false },
    });
    await expect(ask('broken')).rejects.toMatchObject({ code: 'group.failed' });
    await client.deleteReader(readerId);
  });

  it('counts for every request of the demo model what its answer tells', async () => {
    for (const { image, request } of demoCases) {
      const options = {
        image: imageBytes(image),
        useChatTemplate: request['use_chat_template'] === true,
        maxNewTokens: 1,
        returnMetadata: true,
      };
      const [counted, answered] = [
        await client.count(request.text, options),
        await client.generate(request.text, options),
      ];
      expect(counted.count).toMatchObject({
        promptTokens: answered.metadata?.promptTokens,
        imageTokens: answered.metadata?.imageTokens,
        fits: true,
      });
    }
  });
});
