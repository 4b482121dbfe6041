import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { managementStatusSchema, readerGroupsSchema } from 'takeoff-wire';
import { z } from 'zod';
import { ConfigError, ReaderError } from '../../../errors.js';
import { NO_SECRETS } from '../../../link/secrets.js';
import {
  ReaderAdministration,
  type ConfiguredReader,
  type ReaderKeys,
  type ReaderRecord,
} from '../../readers/reader-administration.js';
import { messageOf } from '../../answer/message.fixture.js';
import { ReaderService } from '../../readers/reader-service.js';
import { PATIENT, ScriptedReaders, START, silent } from '../../readers/scripted-reader.fixture.js';
import { managementApp } from '../management-app.fixture.js';

/** Takes reader_id, model_name, consumer_group and max_batch_size; `broken` is a model that no setting allows. */
function toReader(keys: ReaderKeys): ConfiguredReader {
  if (keys['model_name'] === 'broken') throw new ConfigError('model_name is "broken".');
  const readerId = typeof keys['reader_id'] === 'string' ? keys['reader_id'] : 'new-id';
  const group = typeof keys['consumer_group'] === 'string' ? keys['consumer_group'] : 'primary';
  return {
    consumerGroups: [group],
    start: { ...START, readerId },
    secrets: NO_SECRETS,
    buffersRequests: true,
    logging: { level: null, asJson: null },
    shown: { reader_id: readerId, model_name: keys['model_name'], access_token: '(hidden)' },
  };
}

const NO_RECORD: ReaderRecord = {
  save: () => Promise.resolve(),
  change: () => Promise.resolve(),
  forget: () => Promise.resolve(),
};

interface Given {
  readonly record?: ReaderRecord;
  readonly apiKey?: string;
  readonly host?: string;
}

const open: { app: FastifyInstance; service: ReaderService }[] = [];
afterEach(async () => {
  for (const { app, service } of open.splice(0)) {
    await app.close();
    await service.stop();
  }
});

async function start({ record, apiKey, host = '127.0.0.1' }: Given = {}) {
  const scripted = new ScriptedReaders(silent);
  const levels: Record<string, string | null> = {};
  const service = new ReaderService({
    launch: scripted.launch,
    limits: PATIENT,
    reservedGroups: [],
    random: () => 0,
    onLog: () => undefined,
    onState: () => undefined,
  });
  const control = new ReaderAdministration({
    service,
    parser: {
      reader: toReader,
      changes: (keys) => {
        if ('model_name' in keys) throw new ConfigError('"model_name" cannot be changed.');
        const { consumer_group: groups, max_batch_size: size, log_level: level, loras } = keys;
        return {
          consumerGroups: Array.isArray(groups) ? groups.map(String) : undefined,
          maxBatchSize: typeof size === 'number' ? size : undefined,
          logLevel: typeof level === 'string' ? level : undefined,
          loras: z.record(z.string(), z.string()).optional().parse(loras),
        };
      },
    },
    record: record ?? null,
    logs: {
      open: (readerId, { level }) => {
        levels[readerId] = level;
      },
      setLevel: (readerId, level) => {
        levels[readerId] = level;
      },
    },
  });
  const app = await managementApp({
    readers: service,
    control,
    questions: service,
    apiKey: apiKey ?? null,
    host,
  });
  open.push({ app, service });
  const ask = async (options: InjectOptions) => {
    const response = await app.inject({ headers: { host: 'localhost:3001' }, ...options });
    return {
      status: response.statusCode,
      body: response.body === '' ? null : response.json<Record<string, unknown>>(),
    };
  };
  const add = (payload: object) => ask({ method: 'POST', url: '/reader', payload });
  return { app, service, scripted, levels, ask, add };
}

const codeIn = (body: Record<string, unknown> | null): unknown => (body?.['error'] as { code: string }).code;

describe('POST /reader', () => {
  it('starts a reader and answers its id and its settings, without secrets', async () => {
    const { add, ask, service } = await start();
    expect(await add({ model_name: 'm', device: 'cpu', access_token: 'secret' })).toEqual({
      status: 201,
      body: { reader_id: 'new-id', model_name: 'm', access_token: '(hidden)' },
    });
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('live');
    const groups = readerGroupsSchema.parse((await ask({ url: '/reader_groups' })).body);
    expect(groups).toMatchObject({ primary: [{ reader_id: 'new-id', restarts: 0, pids: [4711] }] });
  });

  it.each([
    ['settings that are not allowed', { model_name: 'broken' }, 400, 'request.reader_invalid'],
    ['an id that is taken', { model_name: 'm', reader_id: 'taken' }, 400, 'request.reader_invalid'],
    ['a list', [], 422, 'request.wrong_shape'],
  ])('refuses %s and leaves the others alone', async (_, payload, status, code) => {
    const { add, service } = await start();
    await add({ model_name: 'm', reader_id: 'taken' });
    const refused = await add(payload);
    expect([refused.status, codeIn(refused.body)]).toEqual([status, code]);
    expect(service.readers()).toHaveLength(1);
  });

  it('reports a reader that cannot be loaded, with its reason, while others go on', async () => {
    const { add, ask, scripted, service } = await start();
    await add({ model_name: 'm', reader_id: 'good' });
    scripted.card = null;
    await add({ model_name: 'm', reader_id: 'bad', consumer_group: 'other' });
    scripted.last.say({ kind: 'loading', stage: 'reading', fraction: 0.5 });
    const status = async () => managementStatusSchema.parse((await ask({ url: '/status' })).body).status;
    await expect
      .poll(async () => (await status()).loading_readers)
      .toMatchObject({
        bad: { progress: 0.5, detail: 'reading, 50 %' },
      });
    scripted.last.say({ kind: 'failed', code: 'checkpoint.missing', message: 'There is no /m.' });
    scripted.last.die();
    await expect
      .poll(async () => (await status()).dead_readers)
      .toMatchObject({
        bad: { detail: expect.stringContaining('There is no /m.') as string, failure: { restarts: false } },
      });
    expect(await status()).toMatchObject({
      live_readers: { good: {} },
      consumer_groups: { primary: { ready: true }, other: { failure: 'checkpoint.missing' } },
    });
    expect(service.find('other')?.view().failure).toBe('checkpoint.missing');
  });

  it('is refused by name where no key is set and the port listens to other machines', async () => {
    const { add, ask } = await start({ host: '0.0.0.0' });
    const refused = await add({ model_name: 'm' });
    expect([refused.status, codeIn(refused.body)]).toEqual([403, 'auth.readers_locked']);
    for (const method of ['PATCH', 'DELETE'] as const)
      expect((await ask({ method, url: '/reader/r', payload: {} })).status).toBe(403);
    expect((await ask({ url: '/reader_groups' })).status).toBe(200);
  });

  it('is refused to pages whose name only points at this machine', async () => {
    const { ask } = await start();
    for (const [host, status] of [
      ['rebound.example:3001', 403],
      ['[::1]:3001', 201],
    ] as const)
      // prettier-ignore
      expect(
        (await ask({ method: 'POST', url: '/reader', payload: { model_name: 'm' }, headers: { host } })).status,
      ).toBe(status);
  });

  it('is open to whoever has the key, wherever the port listens', async () => {
    const { ask } = await start({ host: '0.0.0.0', apiKey: 'a-long-key' });
    const add = (authorization: string) =>
      ask({ method: 'POST', url: '/reader', payload: { model_name: 'm' }, headers: { authorization } });
    expect((await add('Bearer wrong-key')).status).toBe(401);
    expect((await add('Bearer a-long-key')).status).toBe(201);
  });

  it('adds nothing that cannot be saved', async () => {
    const refuse = () => Promise.reject(new ReaderError('reader.not_saved', 'The disk is full.'));
    const { add, service } = await start({ record: { save: refuse, change: refuse, forget: refuse } });
    const refused = await add({ model_name: 'm' });
    expect([refused.status, codeIn(refused.body)]).toEqual([503, 'reader.not_saved']);
    expect(service.readers()).toEqual([]);
  });
});

describe('DELETE /reader/:reader_id', () => {
  it('answers when the reader has finished what it had, or at once where it is forced', async () => {
    const { add, ask, service, scripted } = await start();
    await add({ model_name: 'm', reader_id: 'r' });
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('live');
    const ends: string[] = [];
    const submit = (requestId: string) =>
      service
        .find('primary')
        ?.submit(
          { message: messageOf(1, requestId), preparedFor: null },
          { onEvent: ({ kind }) => ends.push(kind), onEnd: ({ kind }) => ends.push(kind) },
        );
    submit('a');
    let isAnswered = false;
    const removed = ask({ method: 'DELETE', url: '/reader/r' }).finally(() => {
      isAnswered = true;
    });
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('draining');
    expect(isAnswered).toBe(false);
    scripted.last.done('a');
    expect(await removed).toEqual({ status: 204, body: null });
    await add({ model_name: 'm', reader_id: 'r' });
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('live');
    submit('b');
    expect((await ask({ method: 'DELETE', url: '/reader/r?force=true' })).status).toBe(204);
    expect([service.readers(), ends]).toEqual([[], ['done', 'lost']]);
  });

  it('knows which ids there are not, and which words force has', async () => {
    const { ask } = await start();
    expect((await ask({ method: 'DELETE', url: '/reader/nobody' })).status).toBe(404);
    expect((await ask({ method: 'DELETE', url: '/reader/nobody?force=maybe' })).status).toBe(400);
  });
});

describe('PATCH /reader/:reader_id', () => {
  it('changes groups, batch and log level of a running reader', async () => {
    const { add, ask, service, scripted, levels } = await start();
    await add({ model_name: 'm', reader_id: 'r' });
    const payload = { consumer_group: ['a', 'b'], max_batch_size: 2, log_level: 'debug' };
    const changed = await ask({ method: 'PATCH', url: '/reader/r', payload });
    expect([changed.status, changed.body]).toMatchObject([200, { reader_id: 'r', ...payload }]);
    expect(service.readers()).toMatchObject([{ consumerGroups: ['a', 'b'], maxBatchSize: 2 }]);
    expect(levels).toEqual({ r: 'debug' });
    expect(scripted.lives).toHaveLength(1);
    expect((await ask({ url: '/config/r' })).body).toMatchObject({ takeoff: payload });
  });

  it('has a live reader load other adapters, which it is started with from then on', async () => {
    const saved: unknown[] = [];
    const { add, ask, service, scripted } = await start({
      record: { ...NO_RECORD, change: (_, keys) => Promise.resolve(void saved.push(keys)) },
    });
    await add({ model_name: 'm', reader_id: 'r' });
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('live');
    const loras = { style: '/style' };
    const changed = await ask({ method: 'PATCH', url: '/reader/r', payload: { loras } });
    expect([changed.status, changed.body]).toMatchObject([200, { reader_id: 'r', loras }]);
    expect(saved).toEqual([{ loras }]);
    expect((await ask({ url: '/reader_groups' })).body).toMatchObject({ primary: [{ loras: ['style'] }] });
    scripted.last.die();
    await expect.poll(() => scripted.launches.at(-1)?.start.loras).toEqual(loras);
  });

  it('takes the adapters back when they cannot be remembered', async () => {
    const { add, ask, service } = await start({
      record: { ...NO_RECORD, change: () => Promise.reject(new ReaderError('reader.not_saved', 'full')) },
    });
    await add({ model_name: 'm', reader_id: 'r' });
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('live');
    const payload = { loras: { style: '/style' } };
    const refused = await ask({ method: 'PATCH', url: '/reader/r', payload });
    expect(codeIn(refused.body)).toBe('reader.not_saved');
    expect(service.readers()).toMatchObject([{ loras: [] }]);
  });

  it('refuses adapters for a reader that is not live', async () => {
    const { add, ask, scripted } = await start();
    scripted.card = null;
    await add({ model_name: 'm', reader_id: 'r' });
    const refused = await ask({ method: 'PATCH', url: '/reader/r', payload: { loras: {} } });
    expect([refused.status, codeIn(refused.body)]).toEqual([503, 'group.unavailable']);
  });

  it('refuses what needs another reader, and more answers than it was loaded for', async () => {
    const { add, ask } = await start();
    await add({ model_name: 'm', reader_id: 'r' });
    for (const payload of [{ model_name: 'n' }, { max_batch_size: START.maxBatchSize + 1 }]) {
      const refused = await ask({ method: 'PATCH', url: '/reader/r', payload });
      expect([refused.status, codeIn(refused.body)]).toEqual([400, 'request.reader_invalid']);
    }
    expect((await ask({ method: 'PATCH', url: '/reader/nobody', payload: {} })).status).toBe(404);
  });
});

describe('GET /config/:reader_id', () => {
  it("answers the model's config.json and, beside it, the settings of the reader", async () => {
    const { add, ask, service } = await start();
    await add({ model_name: 'm', reader_id: 'r' });
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('live');
    expect(await ask({ url: '/config/r' })).toEqual({
      status: 200,
      body: {
        model_type: 'llava',
        takeoff: { reader_id: 'r', model_name: 'm', access_token: '(hidden)' },
      },
    });
    expect((await ask({ url: '/config/nobody' })).status).toBe(404);
  });
});
