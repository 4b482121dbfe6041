// Puts the gateway together and runs it: readers under supervision, the intake of images, the inference port and the
// management port. Listens before the readers are live, so that /status and /healthz can say how far they are.
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { CapacityError, ConfigError } from '../errors.js';
import { buildApp, buildManagementApp } from './http/app.js';
import type { HttpLimits } from './http/connection/http-limits.js';
import { createDecoderPool, type DecoderPool } from './intake/decoder-pool.js';
import { createIntake, type RemoteImages } from './intake/intake.js';
import { createFetchSlots } from './intake/remote/fetch-slots.js';
import { createFetcher, type FetcherOptions, type FetchOutcome } from './intake/remote/fetcher.js';
import { createMetrics, type Metrics } from './metrics/metrics.js';
import { Admission } from './answer/admission.js';
import { forkReaders } from './readers/fork-reader.js';
import { Inference } from './answer/inference.js';
import type { LaunchReader } from './readers/reader-process.js';
import type { ReaderState } from './readers/reader-state.js';
import { ReaderService, type GatewayReader } from './readers/reader-service.js';
import type { ReadersView } from './readers/readers-view.js';
import type { StallLimits } from './stall-limits.js';

export interface GatewayConfig {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Null: there is no management port. */
  readonly managementPort: number | null;
  /** Whether the management port tells metrics. */
  readonly showsMetrics: boolean;
  readonly limits: HttpLimits & StallLimits;
  readonly image: {
    readonly maxImagePixels: number;
    readonly decodeTimeoutMs: number;
    readonly decodeConcurrency: number;
  };
  /** Null: prompts may not name images by URL, and nothing here opens a connection to anywhere. */
  readonly remoteImages: RemoteImagesConfig | null;
  /** Asked of every request but health checks; null: of none. */
  readonly apiKey: string | null;
  /** Requests that one consumer group may have open, running and waiting. */
  readonly maxOpenRequests: number;
  readonly reservedConsumers: readonly string[];
  /** Pages of other origins that may call the inference API; `*` alone is all of them. */
  readonly corsOrigins: readonly string[];
  readonly shutdownDeadlineMs: number;
  readonly readers: readonly ConfiguredReader[];
  /** The configuration as the management port shows it, without secrets. */
  readonly shownConfig: Readonly<Record<string, unknown>>;
  readonly log: FastifyBaseLogger;
  /** Told of every change, loading progress included. */
  readonly onReaderState?: (readerId: string, state: ReaderState) => void;
}

/** A reader that the configuration names. */
export interface ConfiguredReader extends GatewayReader {
  /** Null: that of the server's log. */
  readonly logLevel: string | null;
}

export interface RemoteImagesConfig extends Partial<FetcherOptions> {
  /** Fetches at the same time. */
  readonly concurrency: number;
}

export interface RunningGateway {
  readonly ports: { readonly port: number; readonly managementPort: number | null };
  readonly readers: ReadersView;
  /** Takes no new requests, finishes what runs within the deadline, ends the rest with an event that says so. */
  close(): Promise<void>;
  /** Ends everything now. */
  destroy(): Promise<void>;
}

/** @throws ConfigError when a port cannot be listened on */
export async function startGateway(
  config: GatewayConfig,
  launch: LaunchReader = forkReaders(),
): Promise<RunningGateway> {
  const { limits, log } = config;
  const service = createReaderService(config, launch);
  const metrics = createMetrics();
  const pool = createDecoderPool({
    decoders: config.image.decodeConcurrency,
    decodeTimeoutMs: config.image.decodeTimeoutMs,
  });
  const inference = new Inference({
    groups: service,
    admission: new Admission(config.maxOpenRequests),
    intake: createIntake({ limits: config.image, pool, remote: createRemoteImages(config, metrics) }),
    limits,
    newRequestId: randomUUID,
  });
  const progress = { isDraining: false };
  const ports: number[] = [];
  const { apiKey } = config;
  const shared = { readers: service, limits, log, apiKey, metrics, isDraining: () => progress.isDraining };
  const { corsOrigins } = config;
  const app = await buildApp({ ...shared, corsOrigins, inference, ports: () => ports });
  const { managementPort: wantedManagementPort, shownConfig, showsMetrics } = config;
  const management =
    wantedManagementPort === null ? null : buildManagementApp({ ...shared, shownConfig, showsMetrics });
  const apps = management === null ? [app] : [app, management];
  const parts: Parts = { apps, inference, service, pool };
  try {
    ports.push(await listen(app, 'port', config.host, config.port));
    if (management !== null && wantedManagementPort !== null)
      ports.push(await listen(management, 'management_port', config.host, wantedManagementPort));
  } catch (error) {
    await endNow(parts);
    throw error;
  }
  for (const reader of config.readers) service.add(reader);
  const [port = 0, managementPort = null] = ports;
  let closing: Promise<void> | undefined;
  const destroy = (): Promise<void> => {
    progress.isDraining = true;
    return endNow(parts);
  };
  return {
    ports: { port, managementPort },
    readers: service,
    destroy,
    close: () => {
      progress.isDraining = true;
      closing ??= drain(parts, config.shutdownDeadlineMs, log).then(destroy);
      return closing;
    },
  };
}

interface Parts {
  readonly apps: readonly FastifyInstance[];
  readonly inference: Inference;
  readonly service: ReaderService;
  readonly pool: DecoderPool;
}

/** A terminal event is written at once, unless its client does not read. */
const LAST_EVENTS_MS = 1_000;
const SWEEP_INTERVAL_MS = 20;

async function drain({ inference }: Parts, deadlineMs: number, log: FastifyBaseLogger): Promise<void> {
  const { openAnswers } = inference;
  log.info({ openAnswers: openAnswers.count, deadlineMs }, 'shutting down: finishing open requests');
  if (await openAnswers.idle(deadlineMs)) return;
  log.warn({ openAnswers: openAnswers.count }, 'the shutdown deadline is over: ending open requests');
  inference.endAll();
  await openAnswers.idle(LAST_EVENTS_MS);
}

async function endNow({ apps, inference, service, pool }: Parts): Promise<void> {
  inference.endAll();
  // Lets the events that say so be written before their connections are cut.
  await inference.openAnswers.idle(LAST_EVENTS_MS);
  const reason = new CapacityError('server.draining', 'The server is shutting down.', LAST_EVENTS_MS);
  await Promise.all([...apps.map(closeApp), service.stop(), pool.destroy(reason)]);
}

/** Answers that are being written end; what is still connected after that is cut. */
async function closeApp(app: FastifyInstance): Promise<void> {
  const { server } = app;
  // Connections become idle one by one, as their answers end; closing looks for idle ones only once.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_INTERVAL_MS);
  const cut = setTimeout(() => server.closeAllConnections(), LAST_EVENTS_MS);
  await app.close();
  clearInterval(sweep);
  clearTimeout(cut);
}

function createRemoteImages({ remoteImages, log }: GatewayConfig, metrics: Metrics): RemoteImages | null {
  if (remoteImages === null) return null;
  const { concurrency, ...options } = remoteImages;
  log.info({ domains: options.domains, ports: options.ports }, 'remote images are on');
  if (options.privateHosts !== undefined && options.privateHosts.length > 0) {
    log.warn(
      { hosts: options.privateHosts },
      'remote images may come from these hosts although they are private',
    );
  }
  const onOutcome = (outcome: FetchOutcome): void => {
    metrics.countFetch(outcome);
    const { result, failure } = outcome;
    if (failure !== null) log.warn({ result, ...failure }, 'a remote image was not fetched');
  };
  return {
    fetcher: createFetcher({ ...options, onOutcome }),
    slots: createFetchSlots({ slots: concurrency }),
  };
}

function createReaderService(
  { limits, log, readers, onReaderState, reservedConsumers }: GatewayConfig,
  launch: LaunchReader,
): ReaderService {
  const levels = new Map(readers.map(({ start, logLevel }) => [start.readerId, logLevel]));
  const logs = new Map<string, FastifyBaseLogger>();
  const logOf = (readerId: string): FastifyBaseLogger => {
    const known = logs.get(readerId);
    if (known !== undefined) return known;
    const level = levels.get(readerId) ?? null;
    const made = log.child({ reader: readerId }, level === null ? {} : { level });
    logs.set(readerId, made);
    return made;
  };
  return new ReaderService({
    launch,
    limits,
    reservedGroups: reservedConsumers,
    random: Math.random,
    onLog: (readerId, level, message) => logOf(readerId)[level](message),
    onState: (readerId, state) => {
      logState(logOf(readerId), state);
      onReaderState?.(readerId, state);
    },
  });
}

function logState(log: FastifyBaseLogger, state: ReaderState): void {
  switch (state.kind) {
    case 'dead':
      log.error(
        { code: state.code, restartInMs: state.restartInMs },
        `reader ${state.restartInMs === null ? 'is dead and is not started again' : 'died'}: ${state.reason}`,
      );
      break;
    case 'live':
      log.info({ modelType: state.card.modelType }, 'reader is live');
      break;
    case 'loading':
      log.debug({ fraction: state.fraction }, state.stage);
      break;
    case 'starting':
    case 'draining':
    case 'stopped':
      log.info(`reader is ${state.kind}`);
  }
}

async function listen(app: FastifyInstance, setting: string, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${setting} is ${port} on host ${host}, which cannot be listened on: ${why}.`, {
      cause,
    });
  }
  return addressOf(app)?.port ?? port;
}

function addressOf(app: FastifyInstance): AddressInfo | undefined {
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address : undefined;
}
