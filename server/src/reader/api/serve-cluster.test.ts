import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { START } from '../../gateway/readers/scripted-reader.fixture.js';
import { GREEDY } from '../../link/requests/greedy.js';
import type { FromReader } from '../../link/messages.js';
import type { GenerateMessage } from '../../link/requests/messages.js';
import type { ReaderServing } from '../serve.js';
import { serveCluster } from './serve-cluster.js';
import { open, say, ScriptedCluster, stream, usage } from './scripted-cluster.fixture.js';

const KEY = 'sk-hidden';
const message: GenerateMessage = {
  kind: 'generate',
  requestId: 'r',
  prompts: [{ kind: 'raw', parts: [{ kind: 'text', text: 'Hello.' }] }],
  images: [],
  promptMaxTokens: null,
  imageTokenBudget: null,
  cacheSalt: null,
  loraId: null,
  sampling: GREEDY,
  constraint: null,
};

describe('a reader of a cluster', () => {
  let cluster: ScriptedCluster;
  let said: FromReader[];
  let serving: ReaderServing;
  beforeEach(async () => {
    cluster = await ScriptedCluster.start();
    said = [];
    serving = await serveCluster({
      start: { ...START, device: 'api' },
      target: { url: cluster.url, model: null, dialect: 'auto', busyTimeoutMs: 1_000 },
      apiKey: KEY,
      send: (one) => said.push(one),
    });
  });
  afterEach(async () => {
    serving.receive({ kind: 'drain' });
    await serving.ended;
    await cluster.stop();
  });
  const heard = (...kinds: FromReader['kind'][]) => said.filter(({ kind }) => kinds.includes(kind));

  it('says who it is once it has found the cluster, and nobody the key', () => {
    expect(heard('ready')).toMatchObject([
      {
        card: {
          modelName: 'm',
          modelType: 'vllm',
          device: 'api',
          deviceReason: `the cluster at ${cluster.url}/v1, vllm`,
          contextTokens: 4096,
          maxSequences: 8,
          vision: { aspect: 'whole' },
        },
      },
    ]);
    expect(JSON.stringify(said)).not.toContain(KEY);
  });

  it('answers, and ends without work when it is told to', async () => {
    cluster.on(
      'POST /v1/completions',
      stream({ choices: [{ text: 'Hi', finish_reason: 'stop' }] }, usage(2, 1)),
    );
    serving.receive(message);
    serving.receive({ kind: 'drain' });
    expect(await serving.ended).toBe(0);
    expect(heard('token', 'done', 'error')).toMatchObject([{ text: 'Hi' }, { usage: { promptTokens: 2 } }]);
  });

  it('answers questions, each once', () => {
    serving.receive({ kind: 'ask', requestId: 'q', question: { kind: 'model_config' } });
    expect(heard('answer', 'refusal')).toMatchObject([{ requestId: 'q' }]);
  });

  it('ends what it has, and itself with the reason, when its cluster is gone', async () => {
    cluster.on('POST /v1/completions', (response) => {
      open(response);
      say(response, { choices: [{ text: 'Hi' }] });
    });
    serving.receive(message);
    await expect.poll(() => heard('token')).toHaveLength(1);
    await cluster.stop();
    serving.receive({ ...message, requestId: 's' });
    expect(await serving.ended).toBe(1);
    const ends = heard('done', 'error');
    expect(ends).toHaveLength(2);
    expect(ends).toContainEqual(expect.objectContaining({ requestId: 'r', code: 'cluster.broken' }));
    expect(ends).toContainEqual(expect.objectContaining({ requestId: 's', code: 'cluster.unreachable' }));
    expect(heard('failed')).toMatchObject([
      { code: 'cluster.unreachable', message: 'The cluster cannot be reached: ECONNREFUSED.' },
    ]);
    cluster = await ScriptedCluster.start();
  });

  it('says what it does once a second', async () => {
    cluster.on('POST /v1/completions', (response) => open(response));
    serving.receive(message);
    await expect
      .poll(() => heard('heartbeat').at(-1))
      .toMatchObject({
        running: 1,
        counts: { prompts: { running: 1, waiting: 0 } },
      });
    serving.receive({ kind: 'cancel', requestId: 'r' });
    await expect.poll(() => heard('done')).toMatchObject([{ finishReason: 'cancelled' }]);
  });
});
