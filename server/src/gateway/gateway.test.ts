import { EventEmitter } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.js';
import { startGateway, type GatewayConfig, type RunningGateway } from './gateway.js';
import { LIMITS } from './http/scripted-app.fixture.js';
import { ScriptedReaders, START, echo, silent, type Script } from './readers/scripted-reader.fixture.js';
import { NO_SETTINGS } from './readers/scripted-service.fixture.js';
import { stopOnSignals } from './stop-on-signals.js';
import { NOTHING_COUNTED } from '../link/lifecycle/reader-counts.js';
import { NO_SECRETS } from '../link/secrets.js';

const SILENT = pino({ level: 'silent' });

const CONFIG: GatewayConfig = {
  host: '127.0.0.1',
  port: 0,
  managementPort: 0,
  openaiPort: 0,
  scalerPort: null,
  redis: null,
  version: 'test',
  limits: { ...LIMITS, firstTokenTimeoutMs: 600_000, readerMessageTimeoutMs: 30_000 },
  image: { maxImagePixels: 1_000_000, decodeTimeoutMs: 10_000, decodeConcurrency: 1 },
  remoteImages: null,
  apiKey: null,
  maxOpenRequests: 10,
  reservedConsumers: ['primary'],
  corsOrigins: [],
  page: null,
  shutdownDeadlineMs: 60_000,
  readers: [
    {
      consumerGroups: ['primary'],
      start: START,
      secrets: NO_SECRETS,
      buffersRequests: true,
      logging: { level: null, asJson: null },
      shown: { reader_id: 'reader1', model_name: 'demo' },
    },
  ],
  readerSettings: NO_SETTINGS,
  readerRecord: null,
  showsMetrics: true,
  traces: null,
  shownConfig: { port: 3000 },
  log: SILENT,
  logForms: { json: SILENT, forPeople: SILENT },
};

const running: RunningGateway[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((gateway) => gateway.destroy()));
});

async function start(script: Script = echo, changes: Partial<GatewayConfig> = {}) {
  const readers = new ScriptedReaders(script);
  const gateway = await startGateway({ ...CONFIG, ...changes }, readers.launch);
  running.push(gateway);
  const url = `http://127.0.0.1:${gateway.ports.port}`;
  const ask = (path: string, body: unknown): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return { gateway, readers, url, ask };
}

/** Says the first token and leaves the rest to the test. */
const firstToken: Script = ({ requestId }, reader) => reader.token(requestId, 'first');

describe('startGateway', () => {
  it('answers on the inference port, and with details on the management port', async () => {
    const { gateway, ask } = await start();
    expect(await (await ask('/generate', { text: 'hello' })).json()).toEqual({ text: 'hello' });
    const status = await fetch(`http://127.0.0.1:${gateway.ports.managementPort}/status`);
    expect(await status.json()).toMatchObject({
      config: { port: 3000 },
      status: { live_readers: { reader1: { pids: [4711] } } },
    });
  });

  it('tells metrics of requests, of errors and of what readers count, on the management port', async () => {
    const { gateway, readers, ask } = await start();
    await ask('/generate', { text: ['hello', 'you'] });
    await ask('/generate', { text: [] });
    const counts = { ...NOTHING_COUNTED, generatedTokens: 11 };
    readers.last.say({ kind: 'heartbeat', running: 0, steps: 1, counts });
    const metrics = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${gateway.ports.managementPort}/metrics`)).text();
    await expect.poll(metrics).toContain('generate_tokens{reader="reader1",consumer_group="primary"} 11');
    const text = await metrics();
    expect(text).toContain(
      'takeoff_stage_duration_seconds_count{stage="prefill",consumer_group="primary"} 2',
    );
    expect(text).toContain('user_batch_size_sum{consumer_group="primary"} 2');
    expect(text).toContain('time_to_first_token_count{consumer_group="primary"} 2');
    expect(text).toContain('takeoff_request_errors_total{code="request.batch_empty"} 1');
    expect(text).toContain('takeoff_reader_live{reader="reader1",consumer_group="primary"} 1');
    expect(text).toContain('http_requests_total{method="POST",path="/generate",status="400"} 1');
  });

  it('opens no management port, and tells no metrics, where the operator does not want them', async () => {
    const { gateway: without } = await start(echo, { managementPort: null });
    expect(without.ports.managementPort).toBeNull();
    const { gateway } = await start(echo, { showsMetrics: false });
    const management = `http://127.0.0.1:${gateway.ports.managementPort}`;
    expect((await fetch(`${management}/metrics`)).status).toBe(404);
    expect((await fetch(`${management}/status`)).status).toBe(200);
  });

  it('answers the OpenAI API on a port of its own, on the inference port too, and there in its form only', async () => {
    const { gateway, ask } = await start();
    const own = `http://127.0.0.1:${gateway.ports.openaiPort}`;
    expect(await (await fetch(`${own}/v1/models`)).json()).toMatchObject({ data: [{ id: 'primary' }] });
    const messages = [{ role: 'user', content: 'hi' }];
    expect(await (await ask('/v1/chat/completions', { messages })).json()).toMatchObject({
      choices: [{ message: { content: 'hi' } }],
    });
    const elsewhere = await fetch(`${own}/generate`, { method: 'POST' });
    expect([elsewhere.status, await elsewhere.json()]).toMatchObject([404, { error: { param: null } }]);
    expect((await fetch(`${own}/healthz`)).status).toBe(200);
  });

  it('opens no port of the OpenAI API where the operator does not want one', async () => {
    const { gateway, ask } = await start(echo, { openaiPort: null });
    expect(gateway.ports.openaiPort).toBeNull();
    expect((await ask('/v1/chat/completions', {})).status).toBe(400);
  });

  it("writes what a reader logs at the reader's own level", async () => {
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
    const [reader] = CONFIG.readers;
    const readers = [{ ...reader!, logging: { level: 'debug', asJson: null } }];
    const { gateway, readers: scripted, ask } = await start(echo, { log, readers });
    scripted.last.say({ kind: 'log', level: 'debug', message: 'said by the reader' });
    await ask('/generate', { text: 'a' });
    await gateway.close();
    expect(lines.join('')).toContain('said by the reader');
  });

  it.each([
    [true, 'json'],
    [false, 'forPeople'],
    [null, 'own'],
  ])('writes the log of a reader whose asJson is %s in the form %s', async (asJson, wanted) => {
    const said: string[] = [];
    const logOf = (form: string) => pino({ level: 'info' }, { write: () => said.push(form) });
    const [reader] = CONFIG.readers;
    const { gateway, readers: scripted } = await start(echo, {
      log: logOf('own'),
      logForms: { json: logOf('json'), forPeople: logOf('forPeople') },
      readers: [{ ...reader!, logging: { level: null, asJson } }],
    });
    said.length = 0;
    scripted.last.say({ kind: 'log', level: 'info', message: 'said by the reader' });
    await expect.poll(() => said).toEqual([wanted]);
    await gateway.destroy();
  });

  it('names the setting of a port that is taken, and leaves nothing running', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as AddressInfo;
    const readers = new ScriptedReaders();
    const started = startGateway({ ...CONFIG, managementPort: port }, readers.launch);
    await expect(started).rejects.toBeInstanceOf(ConfigError);
    await expect(started).rejects.toThrow('management_port');
    expect(readers.lives).toHaveLength(0);
    await new Promise((resolve) => blocker.close(resolve));
  });

  it('tells every change of a reader', async () => {
    const states: string[] = [];
    const { ask, gateway } = await start(echo, {
      onReaderState: (readerId, { kind }) => states.push(`${readerId} ${kind}`),
    });
    await ask('/generate', { text: 'a' });
    await gateway.close();
    expect(states).toEqual(['reader1 starting', 'reader1 live', 'reader1 stopped']);
  });
});

describe('close', () => {
  it('finishes the stream that runs, refuses what comes, then stops listening', async () => {
    const { gateway, readers, ask, url } = await start(firstToken);
    const stream = await ask('/generate_stream', { text: 'a' });
    const { requestId } = await readers.last.next('generate');
    const closed = gateway.close();
    expect(gateway.close()).toBe(closed);
    const refused = await ask('/generate', { text: 'b' });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'server.draining' } });
    readers.last.token(requestId, ' last');
    readers.last.done(requestId);
    expect(await stream.text()).toBe('data:first\n\ndata:  last\n\n');
    await closed;
    await expect(fetch(`${url}/status`)).rejects.toThrow();
  });

  it('ends what still runs at the deadline with an event that says so', async () => {
    const { gateway, ask } = await start(firstToken, { shutdownDeadlineMs: 0 });
    const stream = await ask('/generate_stream', { text: 'a' });
    await gateway.close();
    const text = await stream.text();
    expect(text).toContain('event: error\n');
    expect(text).toContain('"code":"server.draining"');
  });

  it('answers requests that were waiting for a token with 503', async () => {
    const { gateway, readers, ask } = await start(silent, { shutdownDeadlineMs: 0 });
    const answer = ask('/generate', { text: 'a' });
    await readers.last.next('generate');
    await gateway.close();
    expect((await answer).status).toBe(503);
  });

  it('lets destroy end at once what it waits for', async () => {
    const { gateway, ask } = await start(firstToken);
    const stream = await ask('/generate_stream', { text: 'a' });
    const closed = gateway.close();
    await gateway.destroy();
    expect(await stream.text()).toContain('"code":"server.draining"');
    await closed;
  });

  it('does not wait for connections that are kept alive', async () => {
    // Connections that are waited for are cut after a second. A busy machine may stand still for that long, but not each time.
    let shortestMs = Infinity;
    for (let tries = 0; tries < 5 && shortestMs >= 900; tries += 1) {
      const { gateway, ask } = await start();
      await (await ask('/generate', { text: 'a' })).text();
      const before = performance.now();
      await gateway.close();
      shortestMs = Math.min(shortestMs, performance.now() - before);
    }
    expect(shortestMs).toBeLessThan(900);
  });
});

describe('stopOnSignals', () => {
  /** A gateway of which only the ways to end it count. */
  function endable() {
    const calls: string[] = [];
    let closeNow: () => void = () => undefined;
    const gateway: Pick<RunningGateway, 'close' | 'destroy'> = {
      close: () => {
        calls.push('close');
        return new Promise((resolve) => {
          closeNow = resolve;
        });
      },
      destroy: () => {
        calls.push('destroy');
        return Promise.resolve();
      },
    };
    return { calls, gateway, closeNow: () => closeNow() };
  }

  it('closes on the first signal and resolves when that is done', async () => {
    const { calls, gateway, closeNow } = endable();
    const source = new EventEmitter();
    const ended = stopOnSignals(gateway, source);
    source.emit('SIGTERM');
    expect(calls).toEqual(['close']);
    closeNow();
    await ended;
  });

  it('ends at once on a second signal, of either kind', async () => {
    const { calls, gateway } = endable();
    const source = new EventEmitter();
    const ended = stopOnSignals(gateway, source);
    source.emit('SIGTERM');
    source.emit('SIGINT');
    await ended;
    expect(calls).toEqual(['close', 'destroy']);
  });
});
