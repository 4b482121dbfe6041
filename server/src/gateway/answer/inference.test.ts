import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReaderCard } from '../../link/lifecycle/messages.js';
import type { ImagePayload, RequestEvent } from '../../link/requests/messages.js';
import type { Intake } from '../intake/intake.js';
import { Admission } from './admission.js';
import { Inference, type InferenceJob, type Recipient } from './inference.js';
import { messageOf } from './message.fixture.js';
import { RequestRecord } from './request-record.js';
import { StopFlag } from './stop-flag.js';
import {
  CARD,
  ScriptedReaders,
  VISION,
  echo,
  silent,
  type Script,
} from '../readers/scripted-reader.fixture.js';
import { scriptedService } from '../readers/scripted-service.fixture.js';
import { VERSIONS } from '../../link/messages.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const IMAGE: ImagePayload = {
  sha256: 'ab',
  widthPx: 4,
  heightPx: 3,
  sidePx: 112,
  tiles: new Uint8Array(3),
};
const prepares: Intake = { prepare: () => Promise.resolve(IMAGE) };

const JOB: InferenceJob = {
  consumerGroup: 'primary',
  prompts: ['a', 'b'].map((text) => ({ kind: 'raw', parts: [{ kind: 'text', text }] })),
  images: [],
  promptMaxTokens: null,
  imageTokenBudget: null,
  cacheSalt: null,
  loraId: null,
  sampling: messageOf().sampling,
  constraint: null,
};
const WITH_IMAGE: InferenceJob = {
  ...JOB,
  prompts: ['a', 'b'].map((text) => ({
    kind: 'raw',
    parts: [
      { kind: 'image', image: 0 },
      { kind: 'text', text },
    ],
  })),
  images: [{ kind: 'upload', bytes: new Uint8Array(9) }],
};

interface Options {
  readonly maxOpenRequests?: number;
  readonly intake?: Intake;
  readonly reservedGroups?: readonly string[];
  /** One reader for each. */
  readonly cards?: readonly (ReaderCard | null)[];
  readonly script?: Script;
}

async function setUp({
  intake = prepares,
  reservedGroups = [],
  cards = [CARD],
  script = echo,
  maxOpenRequests = 1,
}: Options = {}) {
  const readers = cards.map((card) => {
    const scripted = new ScriptedReaders(script);
    scripted.card = card;
    return scripted;
  });
  const { service } = scriptedService(
    readers.map((scripted) => ({ readers: scripted })),
    { reservedGroups },
  );
  const admission = new Admission(maxOpenRequests);
  const inference = new Inference({
    groups: service,
    admission,
    intake,
    limits: { firstTokenTimeoutMs: 600_000, readerMessageTimeoutMs: 30_000 },
    newRequestId: numbered(),
  });
  await vi.advanceTimersByTimeAsync(0);
  const client = new StopFlag();
  const ask = (job: InferenceJob = JOB): Promise<RequestEvent[]> =>
    all(inference.answer(job, { ...recipient(), clientGone: client }));
  return { readers, service, admission, inference, client, ask };
}

const recipient = (): Recipient => ({
  clientGone: new StopFlag(),
  takeBack: null,
  record: new RequestRecord(0),
});

function numbered(): () => string {
  let count = 0;
  return () => `r${++count}`;
}

async function all(events: AsyncIterable<RequestEvent>): Promise<RequestEvent[]> {
  const seen: RequestEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const lineOf = (event: RequestEvent): string => {
  if (event.kind === 'token') return `${event.prompt} ${event.text}`;
  return `${event.prompt} ${event.kind === 'done' ? event.finishReason : event.code}`;
};

/** Answers nothing and dies, in the first `deaths` lives. */
function diesFirst(deaths: number): { readonly script: Script; readonly asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    script: (message, reader) => {
      asked += 1;
      if (asked <= deaths) reader.die();
      else echo(message, reader);
    },
  };
}

describe('Inference', () => {
  it('hands prompts and prepared images to the reader', async () => {
    const { readers, ask } = await setUp({ script: silent });
    void ask(WITH_IMAGE);
    await vi.advanceTimersByTimeAsync(0);
    expect(readers[0]?.last.received).toMatchObject([
      {
        prompts: WITH_IMAGE.prompts,
        images: [{ sha256: 'ab' }],
      },
    ]);
  });

  it('says which group nobody serves, and which model takes no images', async () => {
    const { ask } = await setUp({ cards: [{ ...CARD, vision: null }] });
    const elsewhere = ask({ ...JOB, consumerGroup: 'else "where"' });
    await expect(elsewhere).rejects.toMatchObject({
      code: 'group.unavailable',
      message: expect.stringContaining('consumer group "else \\"where\\""') as string,
      retryAfterMs: 1000,
    });
    await expect(ask(WITH_IMAGE)).rejects.toMatchObject({
      code: 'request.model_takes_no_images',
      message: expect.stringContaining('consumer group "primary" does not accept images') as string,
    });
    expect((await ask()).map(lineOf)).toEqual(['0 a', '0 stop', '1 b', '1 stop']);
  });

  it('hands a request without images on as made for no tower, and needs none', async () => {
    const { readers, ask } = await setUp({ script: silent });
    void ask();
    await vi.advanceTimersByTimeAsync(0);
    expect(readers[0]?.last.received).toMatchObject([{ prompts: JOB.prompts, images: [] }]);
  });

  it('gives its place in the queue back however a request ends', async () => {
    const failing: Intake = { prepare: () => Promise.reject(new RangeError('undecodable')) };
    const { ask, admission, inference } = await setUp({ intake: failing });
    await expect(ask(WITH_IMAGE)).rejects.toThrow('undecodable');
    expect((await ask()).map(lineOf)).toEqual(['0 a', '0 stop', '1 b', '1 stop']);
    const events = inference.answer(JOB, recipient());
    await events.next();
    await events.return();
    admission.enter('primary');
    await expect(ask()).rejects.toMatchObject({ code: 'reader.queue_full' });
    expect(inference.openAnswers.count).toBe(0);
  });

  it('serves many requests at once without a warning of leaking listeners', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', listen);
    const { inference, readers } = await setUp({ script: silent, maxOpenRequests: 50 });
    const asked = Array.from({ length: 50 }, () => all(inference.answer(JOB, recipient())));
    await vi.advanceTimersByTimeAsync(0);
    expect(readers[0]?.last.received).toHaveLength(50);
    inference.endAll();
    await Promise.all(asked);
    vi.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('ends silently when the client goes while its image is decoded, and asks no reader', async () => {
    const intake: Intake = {
      prepare: (_bytes, _vision, signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(IMAGE))),
    };
    const { ask, client, readers } = await setUp({ intake });
    const asked = ask(WITH_IMAGE);
    await vi.advanceTimersByTimeAsync(0);
    client.raise();
    expect(await asked).toEqual([]);
    expect(readers[0]?.last.received.filter(({ kind }) => kind === 'generate')).toEqual([]);
  });

  it('lets requests of reserved groups wait for a reader', async () => {
    const { ask, readers } = await setUp({ cards: [null], reservedGroups: ['primary'] });
    const asked = ask();
    await vi.advanceTimersByTimeAsync(5_000);
    readers[0]?.last.say({ kind: 'ready', versions: VERSIONS, card: CARD });
    expect((await asked).map(lineOf)).toEqual(['0 a', '0 stop', '1 b', '1 stop']);
  });

  it('bounds how many wait', async () => {
    const { ask } = await setUp({ cards: [null], reservedGroups: ['primary'] });
    void ask().catch(() => undefined);
    await expect(ask()).rejects.toMatchObject({ code: 'reader.queue_full' });
  });

  it('bounds how long they wait', async () => {
    const { ask } = await setUp({ cards: [null], reservedGroups: ['primary'] });
    const refused = expect(ask()).rejects.toMatchObject({ code: 'group.unavailable' });
    await vi.advanceTimersByTimeAsync(600_000);
    await refused;
  });
});

describe('a reader that dies', () => {
  it('is replaced by the same reader started again, when it had said nothing', async () => {
    const { script, asked } = diesFirst(1);
    const { ask } = await setUp({ script });
    const events = ask(WITH_IMAGE);
    await vi.advanceTimersByTimeAsync(500);
    expect((await events).map(lineOf)).toEqual(['0 a', '0 stop', '1 b', '1 stop']);
    expect(asked()).toBe(2);
  });

  it('is replaced by another reader of the group at once', async () => {
    const { script } = diesFirst(1);
    const { ask } = await setUp({ script, cards: [CARD, CARD] });
    expect((await ask()).map(lineOf)).toEqual(['0 a', '0 stop', '1 b', '1 stop']);
  });

  it('is not replaced by one that sees images differently', async () => {
    const { script, asked } = diesFirst(1);
    const other: ReaderCard = { ...CARD, vision: { ...VISION, sidePx: 336 } };
    const { ask } = await setUp({ script, cards: [CARD, other] });
    const events = ask(WITH_IMAGE);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(500);
    expect((await events).map(lineOf)).toEqual(['0 a', '0 stop', '1 b', '1 stop']);
  });

  it('is not replaced for ever: a request that kills readers is refused', async () => {
    const { script, asked } = diesFirst(5);
    const { ask } = await setUp({ script });
    const refused = expect(ask()).rejects.toMatchObject({ code: 'request.crashes_reader' });
    await vi.advanceTimersByTimeAsync(60_000);
    await refused;
    expect(asked()).toBe(2);
    // Also when it comes again, and without costing another reader.
    await expect(ask()).rejects.toMatchObject({ code: 'request.crashes_reader' });
    expect(asked()).toBe(2);
  });

  it('ends its request after a while when nothing replaces it', async () => {
    const { script } = diesFirst(1);
    const { ask, readers } = await setUp({ script });
    const events = ask();
    if (readers[0] !== undefined) readers[0].card = null;
    await vi.advanceTimersByTimeAsync(30_000);
    expect((await events).map(lineOf)).toEqual(['0 reader.died', '1 reader.died']);
  });

  it('is replaced in the middle of an answer that nobody has seen, from its beginning', async () => {
    let asked = 0;
    const { inference } = await setUp({
      script: (message, reader) => {
        asked += 1;
        if (asked === 2) {
          echo(message, reader);
          return;
        }
        reader.token(message.requestId, 'half', 1);
        reader.done(message.requestId, 0);
        reader.die();
      },
    });
    const seen: string[] = [];
    const answered = (async () => {
      const takeBack = (): void => void seen.push('taken back');
      for await (const event of inference.answer(JOB, { ...recipient(), takeBack })) seen.push(lineOf(event));
    })();
    await vi.advanceTimersByTimeAsync(500);
    await answered;
    expect(seen).toEqual(['1 half', '0 stop', 'taken back', '0 a', '0 stop', '1 b', '1 stop']);
  });

  it('is not replaced after a token: the open prompts end with an error each', async () => {
    const { ask } = await setUp({
      script: ({ requestId }, reader) => {
        reader.token(requestId, 'half', 1);
        reader.done(requestId, 0);
        reader.die();
      },
    });
    expect((await ask()).map(lineOf)).toEqual(['1 half', '0 stop', '1 reader.died']);
  });
});

describe('endAll', () => {
  it('ends open requests with an error each and refuses new ones', async () => {
    const { ask, inference } = await setUp({
      script: ({ requestId }, reader) => reader.token(requestId, 'x'),
    });
    const events = ask();
    await vi.advanceTimersByTimeAsync(0);
    inference.endAll();
    expect((await events).map(lineOf)).toEqual(['0 x', '0 server.draining', '1 server.draining']);
    await expect(ask()).rejects.toMatchObject({ code: 'server.draining' });
  });

  it('ends requests whose image is being decoded or whose reader is awaited', async () => {
    const intake: Intake = {
      prepare: (_bytes, _vision, signal) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new DOMException('over', 'AbortError'))),
        ),
    };
    const decoding = await setUp({ intake });
    const first = expect(decoding.ask(WITH_IMAGE)).rejects.toMatchObject({ code: 'server.draining' });
    await vi.advanceTimersByTimeAsync(0);
    decoding.inference.endAll();
    await first;
    const waiting = await setUp({ cards: [null], reservedGroups: ['primary'] });
    const second = expect(waiting.ask()).rejects.toMatchObject({ code: 'server.draining' });
    waiting.inference.endAll();
    await second;
  });
});
