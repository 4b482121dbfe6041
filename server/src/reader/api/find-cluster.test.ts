import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiTarget } from '../../link/lifecycle/messages.js';
import { apiBaseOf } from './cluster-address.js';
import { ClusterHttp } from './cluster-http.js';
import { findCluster } from './find-cluster.js';
import { json, ScriptedCluster } from './scripted-cluster.fixture.js';

const KEY = 'sk-hidden';

describe('finding a cluster', () => {
  let cluster: ScriptedCluster;
  beforeEach(async () => {
    cluster = await ScriptedCluster.start();
  });
  afterEach(() => cluster.stop());

  const find = (
    target: Partial<ApiTarget> = {},
    patienceMs = 0,
    onWaiting: (why: string) => void = () => undefined,
  ) => {
    const base = apiBaseOf(cluster.url);
    const http = new ClusterHttp({ base, apiKey: KEY, maxIdleConnections: 1 });
    const whole = { url: cluster.url, model: null, dialect: 'auto', busyTimeoutMs: 0, ...target } as const;
    return findCluster({ http, base, apiKey: KEY, target: whole, onWaiting, patienceMs }).finally(() =>
      http.close(),
    );
  };
  const models = (...data: object[]) => cluster.on('GET /v1/models', json(200, { object: 'list', data }));

  it('takes the only model, and what the list says of it', async () => {
    expect((await find()).facts).toEqual({ model: 'm', dialect: 'vllm', contextTokens: 4096 });
    expect(cluster.seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'accept-encoding': 'identity',
    });
  });

  it.each([
    ['sglang', 'sglang'],
    ['takeoff', 'takeoff'],
    ['openai', 'openai'],
    ['library', 'openai'],
  ])('knows a server by owned_by %s: %s', async (owner, dialect) => {
    models({ id: 'm', owned_by: owner });
    expect((await find()).facts).toMatchObject({ dialect, contextTokens: null });
  });

  it('knows TGI by its /info, and sends it any name of a model', async () => {
    models({ id: 'tgi/model', owned_by: 'tgi/model' });
    cluster.on('GET /info', json(200, { router: 'text-generation-router', max_total_tokens: 2048 }));
    expect((await find({ model: 'any' })).facts).toEqual({
      model: 'any',
      dialect: 'tgi',
      contextTokens: 2048,
    });
  });

  it('believes the operator rather than the list', async () => {
    expect((await find({ dialect: 'openai' })).facts.dialect).toBe('openai');
  });

  it('finds a model by the name of its weights, too', async () => {
    models({ id: 'primary', root: 'llava', owned_by: 'takeoff' }, { id: 'other', owned_by: 'takeoff' });
    expect((await find({ model: 'llava' })).facts.model).toBe('llava');
  });

  it.each([
    ['several and none named', null, 'api_model is not set; the models of the cluster are: "a", "b"'],
    ['another one named', 'c', 'api_model is "c"; the models of the cluster are: "a", "b"'],
  ])('refuses a list of %s', async (_, model, words) => {
    models({ id: 'a' }, { id: 'b' });
    await expect(find({ model })).rejects.toMatchObject({
      code: 'cluster.misconfigured',
      message: expect.stringContaining(words) as string,
    });
  });

  it('asks /health where there is no list', async () => {
    cluster.on('GET /v1/models', json(404, {}));
    cluster.on('GET /health', json(200, {}));
    const { facts, probe } = await find({ model: 'x' });
    expect(facts).toEqual({ model: 'x', dialect: 'openai', contextTokens: null });
    expect(probe.pathname).toBe('/health');
    await expect(find()).rejects.toMatchObject({ code: 'cluster.misconfigured' });
  });

  it.each([
    ['that is shut', json(401, { error: { message: `Wrong key ${KEY}` } }), 'cluster.misconfigured'],
    [
      'that sends elsewhere',
      json(307, {}, { location: 'http://127.0.0.1:1/v1/models' }),
      'cluster.misconfigured',
    ],
    ['that fails', json(500, {}), 'cluster.broken'],
    ['that talks nonsense', json(200, { data: 'x' }), 'cluster.broken'],
  ])('says why it does not take a cluster %s, without the key', async (_, script, code) => {
    cluster.on('GET /v1/models', script);
    const error = await find().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain(KEY);
    expect(cluster.seen).toHaveLength(1);
  });

  it('waits for one that comes up', async () => {
    const told: string[] = [];
    cluster.on(
      'GET /v1/models',
      json(503, { error: { message: 'loading' } }),
      json(200, { data: [{ id: 'm' }] }),
    );
    expect((await find({}, 60_000, (why) => told.push(why))).facts.model).toBe('m');
    expect(told).toEqual(['The cluster failed (status 503): loading']);
  });
});
