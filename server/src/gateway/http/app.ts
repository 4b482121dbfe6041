// The HTTP servers as Fastify applications, without their ports, so that tests can ask them in process: limits and error
// bodies that all routes share, then the routes.
import { randomUUID } from 'node:crypto';
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { CapacityError } from '../../errors.js';
import type { Inference } from '../readers/inference.js';
import type { ReaderRegistry } from '../readers/registry.js';
import type { Metrics } from '../metrics/metrics.js';
import { addApiKeyCheck } from './connection/api-key.js';
import { validateDeclaredLength } from './connection/body-limit.js';
import { answerClientError, trackResponses } from './connection/client-errors.js';
import { addErrorHandlers, answerError, pathOf } from './connection/error-handlers.js';
import { addGenerateRoutes } from './native/generate-routes.js';
import type { HttpLimits } from './connection/http-limits.js';
import { addCrossOriginAnswers } from './connection/cross-origin.js';
import { detailedStatus, maskedStatus } from './management/status-answer.js';

export interface AppDeps {
  readonly registry: ReaderRegistry;
  readonly limits: HttpLimits;
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  /** Null: nobody is asked for a key. */
  readonly apiKey: string | null;
  /** Whether a shutdown has begun: no new requests. */
  readonly isDraining: () => boolean;
}

export interface InferenceAppDeps extends AppDeps {
  readonly inference: Inference;
  /** Pages of other origins that may call; `*` alone is all of them. */
  readonly corsOrigins: readonly string[];
  /** All ports that this server listens on, for /status. */
  readonly ports: () => readonly number[];
}

export interface ManagementAppDeps extends AppDeps {
  /** The configuration as /status shows it to an operator, without secrets. */
  readonly shownConfig: Readonly<Record<string, unknown>>;
}

const RETRY_AFTER_MS = 1_000;

export async function buildApp(deps: InferenceAppDeps): Promise<FastifyInstance> {
  const app = bareApp(deps, deps.corsOrigins);
  app.get('/status', () => {
    if (deps.isDraining()) throw notAvailable('Server is not available: it is shutting down.');
    return maskedStatus(deps.registry, deps.ports());
  });
  addHealthRoute(app, deps);
  await addGenerateRoutes(app, deps);
  return app;
}

export function buildManagementApp(deps: ManagementAppDeps): FastifyInstance {
  const app = bareApp(deps, []);
  app.get('/status', () => detailedStatus(deps.registry, deps.shownConfig));
  app.get('/metrics', async (_, reply) =>
    reply.type(deps.metrics.contentType).send(await deps.metrics.print()),
  );
  addHealthRoute(app, deps);
  return app;
}

/** Open to all: load balancers send no key. */
const HEALTH_PATH = '/healthz';

function addHealthRoute(app: FastifyInstance, { registry, isDraining }: AppDeps): void {
  app.get(HEALTH_PATH, () => {
    if (isDraining() || !registry.isReady) {
      throw notAvailable('The server is not ready to process requests yet.');
    }
    return { status: 'ok' };
  });
}

const notAvailable = (message: string): CapacityError =>
  new CapacityError('server.not_ready', message, RETRY_AFTER_MS);

/** How often Node looks for requests that take too long. */
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;

function bareApp(
  { limits, log, apiKey, metrics, isDraining }: AppDeps,
  corsOrigins: readonly string[],
): FastifyInstance {
  const app = fastify({
    loggerInstance: log,
    // Ours alone: an id that a client could choose would let it write into the log and pass for another request.
    genReqId: () => randomUUID(),
    // The line of ours has no query string and no headers.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodySizeLimitBytes,
    requestTimeout: limits.requestTimeoutMs,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_INTERVAL_MS, limits.headersTimeoutMs),
    },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  });
  // Each group of routes brings the parser of its own bodies; those of unknown addresses are not read.
  app.removeAllContentTypeParsers();
  addErrorHandlers(app);
  trackResponses(app);
  // First of all, so that refusals have them too.
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    await Promise.resolve();
  });
  addCrossOriginAnswers(app, corsOrigins);
  // Behind those answers: a browser asks for leave without a key, and a page must be able to read why it was refused.
  if (apiKey !== null) addApiKeyCheck(app, apiKey, [HEALTH_PATH]);
  app.addHook('onRequest', async (request) => {
    if (request.method === 'POST' && isDraining()) {
      throw new CapacityError(
        'server.draining',
        'The server is shutting down and takes no new requests.',
        RETRY_AFTER_MS,
      );
    }
    validateDeclaredLength(request.headers['content-length'], limits.bodySizeLimitBytes);
    await Promise.resolve();
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    const durationMs = Math.round(reply.elapsedTime);
    metrics.countRequest({ method, route: request.routeOptions.url, status: reply.statusCode, durationMs });
    request.log.info({ method, path: pathOf(url), status: reply.statusCode, durationMs }, 'answered');
    await Promise.resolve();
  });
  return app;
}
