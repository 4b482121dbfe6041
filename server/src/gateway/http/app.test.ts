import { afterEach, describe, expect, it } from 'vitest';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import {
  errorBodySchema,
  managementStatusSchema,
  statusResponseSchema,
  type StatusResponse,
} from 'takeoff-wire';
import { createBodyReader } from './connection/read-body.js';
import { buildApp } from './app.js';
import { managementApp } from './management-app.fixture.js';
import { detailedStatus } from './management/status-answer.js';
import { LIMITS, scriptedApp, type ScriptedApp } from './scripted-app.fixture.js';
import { createMetrics } from '../metrics/metrics.js';
import { CARD, ScriptedReaders, silent } from '../readers/scripted-reader.fixture.js';
import { isReady } from '../readers/scripted-service.fixture.js';
import { VERSIONS } from '../../link/messages.js';

let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

const open = async (readers?: ScriptedReaders): Promise<ScriptedApp> => {
  opened = await scriptedApp({}, readers);
  return opened;
};

const loading = (): ScriptedReaders => {
  const readers = new ScriptedReaders();
  readers.card = null;
  return readers;
};

const SHOWN = {
  model_name: 'demo',
  model_type: 'LlavaLlamaForCausalLM',
  device: 'cpu',
  consumer_groups: ['primary'],
  max_batch_size: 8,
  loras: [],
};

describe('/status', () => {
  it('shows live readers by id, masked, and the ports', async () => {
    const { app } = await open();
    const response = await app.inject('/status');
    expect(statusResponseSchema.parse(response.json())).toEqual(response.json());
    expect(response.json()).toEqual({
      live_readers: { reader1: SHOWN },
      dead_readers: {},
      consumer_groups: { primary: { ready: true } },
      ports: [3000, 3001],
    });
  });

  it('lists the adapters of a live reader', async () => {
    const readers = new ScriptedReaders();
    readers.card = { ...CARD, loras: ['style'] };
    const { app } = await open(readers);
    const { live_readers: live } = (await app.inject('/status')).json<StatusResponse>();
    expect(live['reader1']?.loras).toEqual(['style']);
  });

  it('answers while the reader loads, with no live reader', async () => {
    const { app } = await open(loading());
    const response = await app.inject('/status');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      live_readers: {},
      dead_readers: {},
      consumer_groups: { primary: { ready: false } },
      ports: [3000, 3001],
    });
  });

  it('shows a dead reader as dead', async () => {
    const { app, readers, service } = await open();
    readers.card = null;
    // It is started again soon. On a busy machine that may be before the status is asked for, and then it dies again.
    const afterDeath = async (): Promise<unknown> => {
      readers.last.die();
      return (await app.inject('/status')).json();
    };
    await expect.poll(afterDeath).toMatchObject({
      live_readers: {},
      dead_readers: { reader1: { consumer_groups: ['primary'] } },
    });
    expect(isReady(service)).toBe(false);
  });

  it('shows a reader that drains as live, since it still answers, and its group as not ready', async () => {
    const { app, readers, service } = await open(new ScriptedReaders(silent));
    const asked = app.inject({ method: 'POST', url: '/generate', payload: { text: 'a' } });
    const { requestId } = await readers.last.next('generate');
    const drained = service.drain('reader1');
    const status = (await app.inject('/status')).json<StatusResponse>();
    expect(status).toMatchObject({
      live_readers: { reader1: SHOWN },
      consumer_groups: { primary: { ready: false } },
    });
    readers.last.done(requestId);
    expect((await asked).statusCode).toBe(200);
    await drained;
    expect((await app.inject('/status')).json()).toMatchObject({
      live_readers: {},
      dead_readers: { reader1: {} },
    });
  });

  it('tells of a reader that is dead for good the code of why, and to the operator the reason', async () => {
    const { app, readers, service } = await open(loading());
    readers.last.say({ kind: 'failed', code: 'checkpoint.missing', message: 'There is no /secret/path.' });
    readers.last.die();
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('dead');
    const shown = await app.inject('/status');
    expect(shown.json()).toMatchObject({
      dead_readers: { reader1: { failure: { code: 'checkpoint.missing', restarts: false } } },
      consumer_groups: { primary: { ready: false, failure: 'checkpoint.missing' } },
    });
    expect(shown.payload).not.toContain('/secret/path');
    const [detail] = Object.values(detailedStatus(service, {}).status.dead_readers).map(
      (dead) => dead.detail,
    );
    expect(detail).toBe('There is no /secret/path. (checkpoint.missing; it is not started again)');
    expect((await app.inject('/readyz')).json()).toMatchObject({ error: { code: 'group.failed' } });
  });

  it('tells the operator more, on the management port only', async () => {
    const { app, service } = await open();
    const management = await managementApp({ readers: service, shownConfig: { port: 3000 } });
    const status = (await management.inject('/status')).json<unknown>();
    expect(managementStatusSchema.parse(status)).toEqual(status);
    expect(status).toMatchObject({
      config: { port: 3000 },
      status: {
        live_readers: { reader1: { pids: [4711], open_prompts: 0 } },
        consumer_groups: { primary: { ready: true } },
      },
    });
    expect((await app.inject('/status')).payload).not.toContain('4711');
    await management.close();
  });
});

it('gives every answer the id under which the log has the request, whatever the client calls it', async () => {
  const { app } = await open();
  const ids = [];
  for (const url of ['/status', '/nowhere', '/healthz']) {
    const { headers } = await app.inject({ url, headers: { 'request-id': 'mine', 'x-request-id': 'mine' } });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/u);
    ids.push(headers['x-request-id']);
  }
  expect(new Set(ids).size).toBe(3);
});

describe('/healthz', () => {
  it('is 503 until the reader is live', async () => {
    const { app, readers, service } = await open(loading());
    const before = await app.inject('/healthz');
    expect(before.statusCode).toBe(503);
    expect(errorBodySchema.parse(before.json()).error.code).toBe('server.not_ready');
    readers.last.say({ kind: 'ready', versions: VERSIONS, card: CARD });
    await expect.poll(() => isReady(service)).toBe(true);
    expect((await app.inject('/healthz')).statusCode).toBe(200);
  });

  it('is 503 while the server drains, and so is every new question', async () => {
    const { app, progress } = await open();
    progress.isDraining = true;
    expect((await app.inject('/healthz')).statusCode).toBe(503);
    const question = await app.inject({ method: 'POST', url: '/generate', payload: { text: 'a' } });
    expect(question.statusCode).toBe(503);
    expect(errorBodySchema.parse(question.json()).error.code).toBe('server.draining');
    expect(question.headers['retry-after']).toBeDefined();
  });
});

it('logs a line for each request without its body, its query or its headers', async () => {
  const { service, inference, counting } = await open();
  let lines = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines += chunk.toString();
      done();
    },
  });
  const app = await buildApp({
    readers: service,
    inference,
    counting,
    questions: service,
    limits: LIMITS,
    log: pino({ level: 'trace' }, sink),
    isDraining: () => false,
    apiKey: null,
    metrics: createMetrics(),
    corsOrigins: [],
    ports: () => [],
    page: null,
    readBody: createBodyReader(LIMITS),
    version: 'test',
  });
  for (const payload of [
    { text: 'SECRET' },
    { text: ['SECRET', 5] },
    { text: 'SECRET', lora_id: 'SECRET' },
  ]) {
    await app.inject({
      method: 'POST',
      url: '/generate?token=SECRET',
      payload,
      headers: { authorization: 'SECRET' },
    });
  }
  await app.inject('/SECRETLESS?token=SECRET');
  await app.close();
  expect(lines.match(/"answered"/gu)).toHaveLength(4);
  expect(lines).toContain('"path":"/generate"');
  expect(lines.replaceAll('SECRETLESS', '')).not.toContain('SECRET');
});
