// Puts the gateway together and runs it: readers under supervision, the intake of images, and the ports for inference, for the
// OpenAI API and for management. Listens before the readers are live, so that /status and /healthz can say how far they are.
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { CapacityError, ConfigError } from '../errors.js';
import { buildApp, buildManagementApp, buildOpenaiApp, type InferenceAppDeps } from './http/app.js';
import { createBodyReader } from './http/connection/read-body.js';
import type { HttpLimits } from './http/connection/http-limits.js';
import { readPageFiles } from './http/page/page-files.js';
import type { PageOptions } from './http/page/page-routes.js';
import { createDecoderPool, type DecoderPool } from './intake/decoder-pool.js';
import { MAX_SIDE_PX } from './intake/header.js';
import { createIntake, type RemoteImages } from './intake/intake.js';
import { createFetchSlots } from './intake/remote/fetch-slots.js';
import { createFetcher, type FetcherOptions, type FetchOutcome } from './intake/remote/fetcher.js';
import { createMetrics, type Metrics } from './metrics/metrics.js';
import { Admission } from './answer/admission.js';
import { Counting } from './answer/counting.js';
import { forkReaders } from './readers/fork-reader.js';
import { Inference } from './answer/inference.js';
import type { LaunchReader } from './readers/reader-process.js';
import type { ReaderState } from './readers/reader-state.js';
import type {
  ConfiguredReader,
  ReaderControl,
  ReaderRecord,
  ReaderSettingsParser,
} from './readers/reader-administration.js';
import type { LogForms } from './readers/reader-logs.js';
import type { ReadersView } from './readers/readers-view.js';
import { ownReaders, type ReaderSet, type ServedReaders } from './served-readers.js';
import type { RedisSettings } from '../link/redis/redis-settings.js';
import type { RunningScaler } from './scaler/scaler-server.js';
import type { StallLimits } from './stall-limits.js';
import { openTraces, type RequestTraces, type TracesConfig } from './traces/request-traces.js';

export interface GatewayConfig {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Null: there is no management port. */
  readonly managementPort: number | null;
  /** Null: only the inference port answers the OpenAI API. */
  readonly openaiPort: number | null;
  /** Where KEDA asks how many readers there should be; null: it cannot. Not looked at without `redis`. */
  readonly scalerPort: number | null;
  /** Null: no traces are sent anywhere. */
  readonly traces: Pick<TracesConfig, 'host'> | null;
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
  /** Null: the inference port serves no page. */
  readonly page: PageConfig | null;
  readonly shutdownDeadlineMs: number;
  readonly readers: readonly ConfiguredReader[];
  /** Null: all readers are children of this process. Otherwise none is, and `readers` is not looked at. */
  readonly redis: RedisSettings | null;
  /** For readers that are added later. */
  readonly readerSettings: ReaderSettingsParser;
  /** Null: those are forgotten when the server ends. */
  readonly readerRecord: ReaderRecord | null;
  /** Of the program. */
  readonly version: string;
  /** The configuration as the management port shows it, without secrets. */
  readonly shownConfig: Readonly<Record<string, unknown>>;
  readonly log: FastifyBaseLogger;
  /** For readers whose log is to be of a certain form. */
  readonly logForms: LogForms;
  /** Told of every change, loading progress included. */
  readonly onReaderState?: (readerId: string, state: ReaderState) => void;
}

export interface PageConfig {
  /** Of the built page. */
  readonly folder: string;
  /** Where the page sends its requests; null: to where it comes from. */
  readonly apiAddress: string | null;
}

export interface RemoteImagesConfig extends Partial<FetcherOptions> {
  /** Fetches at the same time. */
  readonly concurrency: number;
}

/** The ports that the server listens on; where 0 was configured, the port that the system chose. */
export interface ListeningPorts {
  readonly port: number;
  /** Null: it was not opened. */
  readonly managementPort: number | null;
  readonly openaiPort: number | null;
  readonly scalerPort: number | null;
}

export interface RunningGateway {
  readonly ports: ListeningPorts;
  readonly readers: ReadersView;
  /** Takes no new requests, finishes what runs within the deadline, ends the rest with an event that says so. */
  close(): Promise<void>;
  /** Ends everything now. */
  destroy(): Promise<void>;
}

/** @throws ConfigError when a port cannot be listened on, or the page that it shall serve is not built */
export async function startGateway(
  config: GatewayConfig,
  launch: LaunchReader = forkReaders(),
): Promise<RunningGateway> {
  const { limits, log } = config;
  const page = readPage(config);
  const pool = decodersOf(config);
  const readers = await readersOf(preparing(config, pool), launch);
  const { service, control } = readers;
  const metrics = createMetrics();
  const traces = await tracesOf(config);
  const intake = createIntake({ limits: config.image, pool, remote: createRemoteImages(config, metrics) });
  const inference = new Inference({
    groups: service,
    admission: new Admission(config.maxOpenRequests),
    intake,
    limits,
    newRequestId: randomUUID,
    onEnd: (ended) => {
      metrics.countAnswer(ended);
      traces?.trace(ended);
    },
  });
  metrics.watch({
    readers: () => service.countedReaders(),
    links: () => service.links(),
    openAnswers: () => inference.openAnswers.count,
    decoders: () => pool.load,
  });
  const progress = { isDraining: false };
  const listening: Listening[] = [];
  const doors = await buildDoors(config, {
    readers: service,
    control,
    inference,
    counting: new Counting({ groups: service, questions: service, intake }),
    questions: service,
    metrics,
    page,
    isDraining: () => progress.isDraining,
    ports: () => listening.map(({ port }) => port),
  });
  const parts: Parts = { apps: doors.map(({ app }) => app), inference, service, pool, traces, scaler: null };
  try {
    for (const { setting, app, wantedPort } of doors)
      listening.push({ setting, port: await listen(app, setting, config.host, wantedPort) });
    parts.scaler = await scalerOf(config, readers);
  } catch (error) {
    await endNow(parts);
    throw error;
  }
  readers.start();
  // What readers on other machines take is not known before somebody asks.
  if (config.redis !== null) pool.prepare();
  let closing: Promise<void> | undefined;
  const destroy = (): Promise<void> => {
    progress.isDraining = true;
    return endNow(parts);
  };
  return {
    ports: portsOf(listening, parts.scaler),
    readers: service,
    destroy,
    close: () => {
      progress.isDraining = true;
      closing ??= drain(parts, config.shutdownDeadlineMs, log).then(destroy);
      return closing;
    },
  };
}

/** What speaks to Redis is loaded only where there is one. */
async function readersOf(config: GatewayConfig, launch: LaunchReader): Promise<ServedReaders> {
  if (config.redis === null) return ownReaders(config, launch);
  const { remoteReaders } = await import('./remote/open-remote-readers.js');
  return remoteReaders(config, config.redis);
}

/** As soon as one of its own readers takes images, a decoder is started for the first of them. */
const preparing = (config: GatewayConfig, pool: DecoderPool): GatewayConfig => ({
  ...config,
  onReaderState: (readerId, state) => {
    if (state.kind === 'live' && state.vision !== null) pool.prepare();
    config.onReaderState?.(readerId, state);
  },
});

const decodersOf = ({ image, log }: GatewayConfig): DecoderPool =>
  createDecoderPool({
    decoders: image.decodeConcurrency,
    decodeTimeoutMs: image.decodeTimeoutMs,
    onStartFailure: (err) => log.error({ err }, 'an image decoder could not be started'),
  });

/** What speaks gRPC is loaded only where it is asked for. */
async function scalerOf(
  { scalerPort: port, host, log }: GatewayConfig,
  { demand }: ServedReaders,
): Promise<RunningScaler | null> {
  if (port === null || demand === null) return null;
  const { openScaler } = await import('./scaler/scaler-server.js');
  return openScaler({ host, port, demand, onWarning: (message) => log.warn(message) });
}

const tracesOf = async ({ traces, version, log }: GatewayConfig): Promise<RequestTraces | null> =>
  traces === null ? null : openTraces({ ...traces, version }, log);

type PortSetting = 'port' | 'management_port' | 'openai_port';

interface Listening {
  readonly setting: PortSetting;
  readonly port: number;
}

function portsOf(listening: readonly Listening[], scaler: RunningScaler | null): ListeningPorts {
  const portOf = (wanted: PortSetting): number | null =>
    listening.find(({ setting }) => setting === wanted)?.port ?? null;
  return {
    port: portOf('port') ?? 0,
    managementPort: portOf('management_port'),
    openaiPort: portOf('openai_port'),
    scalerPort: scaler?.port ?? null,
  };
}

/** An application and the port that it is to listen on. */
interface Door {
  readonly setting: PortSetting;
  readonly app: FastifyInstance;
  readonly wantedPort: number;
}

function readPage({ page, limits, image }: GatewayConfig): PageOptions | null {
  if (page === null) return null;
  const { folder, apiAddress } = page;
  return {
    files: readPageFiles(folder, apiAddress),
    apiAddress,
    limits: {
      body_size_limit_bytes: limits.bodySizeLimitBytes,
      max_image_pixels: image.maxImagePixels,
      max_image_side_px: MAX_SIDE_PX,
    },
  };
}

/** In the order in which /status lists their ports. */
async function buildDoors(
  config: GatewayConfig,
  parts: Pick<
    InferenceAppDeps,
    'inference' | 'counting' | 'questions' | 'metrics' | 'page' | 'isDraining' | 'ports'
  > & {
    readonly readers: ReaderSet;
    readonly control: ReaderControl;
  },
): Promise<Door[]> {
  const { host, limits, log, apiKey, corsOrigins, version, shownConfig, showsMetrics } = config;
  // One reader for all ports: its memory is that of the machine.
  const readBody = createBodyReader(limits);
  const deps = { ...parts, limits, log, apiKey, corsOrigins, version, readBody };
  const doors: Door[] = [{ setting: 'port', app: await buildApp(deps), wantedPort: config.port }];
  if (config.managementPort !== null) {
    const app = await buildManagementApp({ ...deps, host, shownConfig, showsMetrics });
    doors.push({ setting: 'management_port', app, wantedPort: config.managementPort });
  }
  if (config.openaiPort !== null)
    doors.push({ setting: 'openai_port', app: await buildOpenaiApp(deps), wantedPort: config.openaiPort });
  return doors;
}

interface Parts {
  readonly apps: readonly FastifyInstance[];
  readonly inference: Inference;
  readonly service: ReaderSet;
  readonly pool: DecoderPool;
  readonly traces: RequestTraces | null;
  scaler: RunningScaler | null;
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

async function endNow({ apps, inference, service, pool, traces, scaler }: Parts): Promise<void> {
  inference.endAll();
  // Lets the events that say so be written before their connections are cut.
  await inference.openAnswers.idle(LAST_EVENTS_MS);
  const reason = new CapacityError('server.draining', 'The server is shutting down.', LAST_EVENTS_MS);
  scaler?.close();
  await Promise.all([...apps.map(closeApp), service.stop(), pool.destroy(reason)]);
  await traces?.close();
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
