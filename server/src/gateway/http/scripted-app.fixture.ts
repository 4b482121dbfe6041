// For tests only: the inference application over scripted readers and an intake that takes anything.
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { Intake } from '../intake/intake.js';
import { createMetrics } from '../metrics/metrics.js';
import { Admission } from '../answer/admission.js';
import { Counting } from '../answer/counting.js';
import { Inference } from '../answer/inference.js';
import type { ReaderService } from '../readers/reader-service.js';
import { PATIENT, ScriptedReaders, type Script } from '../readers/scripted-reader.fixture.js';
import { isReady, scriptedService } from '../readers/scripted-service.fixture.js';
import { buildApp } from './app.js';
import { createBodyReader } from './connection/read-body.js';
import type { PageOptions } from './page/page-routes.js';
import type { HttpLimits } from './connection/http-limits.js';

export const LIMITS: HttpLimits = {
  bodySizeLimitBytes: 20 * 1024 * 1024,
  maxPromptStringBytes: 150_000,
  maxUserBatchSize: 1000,
  requestTimeoutMs: 120_000,
  headersTimeoutMs: 30_000,
  allowRemoteImages: false,
  maxImagesPerPrompt: 1,
  bodyMemoryLimitBytes: 1_000_000_000,
  streamErrorEvents: true,
  streamCommentIntervalMs: 15_000,
  maxImagesPerRequest: 32,
};

export const PAYLOAD: ImagePayload = {
  sha256: 'ab',
  widthPx: 4,
  heightPx: 3,
  sidePx: 112,
  tiles: new Uint8Array(3),
};

export interface ScriptedAppOptions {
  readonly script?: Script;
  readonly limits?: Partial<HttpLimits>;
  readonly maxOpenRequests?: number;
  readonly intake?: Intake;
  readonly apiKey?: string;
  readonly reservedGroups?: readonly string[];
  readonly firstTokenTimeoutMs?: number;
  readonly readerMessageTimeoutMs?: number;
  readonly corsOrigins?: readonly string[];
  readonly page?: PageOptions;
}

export interface ScriptedApp {
  readonly app: FastifyInstance;
  readonly readers: ScriptedReaders;
  readonly service: ReaderService;
  readonly inference: Inference;
  readonly counting: Counting;
  /** Uploads that reached the intake. */
  readonly uploads: Uint8Array[];
  readonly progress: { isDraining: boolean };
  close(): Promise<void>;
}

/** The reader serves `primary` and is live when this resolves, unless its card is null. */
export async function scriptedApp(
  options: ScriptedAppOptions = {},
  readers: ScriptedReaders = new ScriptedReaders(options.script),
): Promise<ScriptedApp> {
  const uploads: Uint8Array[] = [];
  const intake: Intake = options.intake ?? {
    prepare: (source) => {
      if (source.kind === 'upload') uploads.push(source.bytes);
      return Promise.resolve(PAYLOAD);
    },
  };
  const firstTokenTimeoutMs = options.firstTokenTimeoutMs ?? 600_000;
  const { service } = scriptedService([{ readers }], {
    reservedGroups: options.reservedGroups ?? [],
    limits: { ...PATIENT, firstTokenTimeoutMs },
  });
  const inference = new Inference({
    groups: service,
    admission: new Admission(options.maxOpenRequests ?? 100),
    intake,
    limits: { firstTokenTimeoutMs, readerMessageTimeoutMs: options.readerMessageTimeoutMs ?? 30_000 },
    newRequestId: numbered('request'),
  });
  const counting = new Counting({ groups: service, questions: service, intake });
  const limits = { ...LIMITS, ...options.limits };
  const progress = { isDraining: false };
  const app = await buildApp({
    readers: service,
    inference,
    counting,
    questions: service,
    limits,
    log: pino({ level: 'silent' }),
    isDraining: () => progress.isDraining,
    corsOrigins: options.corsOrigins ?? [],
    page: options.page ?? null,
    readBody: createBodyReader(limits),
    version: 'test',
    ports: () => [3000, 3001],
    apiKey: options.apiKey ?? null,
    metrics: createMetrics(),
  });
  while (readers.card !== null && !isReady(service)) await new Promise((resolve) => setImmediate(resolve));
  const close = async (): Promise<void> => {
    await app.close();
    await service.stop();
  };
  return { app, readers, service, inference, counting, uploads, progress, close };
}

function numbered(prefix: string): () => string {
  let count = 0;
  return () => `${prefix}-${++count}`;
}
