// A Fastify application with everything that all APIs share and no route: limits, request ids, cross-origin answers, the API key,
// the refusals of a shutdown, error answers, one log line and one measurement for each request.
import { randomUUID } from 'node:crypto';
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { draining } from '../../draining.js';
import type { Metrics } from '../../metrics/metrics.js';
import { addApiKeyCheck } from './api-key.js';
import { validateDeclaredLength } from './body-limit.js';
import { clientErrorHandler, trackResponses } from './client-errors.js';
import { addCrossOriginAnswers } from './cross-origin.js';
import { errorCodeOf } from './error-code.js';
import { addErrorHandlers, answerError, pathOf } from './error-handlers.js';
import type { HttpLimits } from './http-limits.js';
import type { ErrorBodyWriter } from './public-error.js';

export interface ConnectionOptions {
  readonly limits: HttpLimits;
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  /** Null: nobody is asked for a key. */
  readonly apiKey: string | null;
  /** Whether a shutdown has begun: no new requests. */
  readonly isDraining: () => boolean;
}

/** How the applications of the server differ below their routes. */
export interface ApplicationFacts {
  /** Pages of other origins that may call; `*` alone is all of them. */
  readonly corsOrigins: readonly string[];
  /** Routes that answer without the API key. */
  readonly openPaths: readonly string[];
  readonly writeErrorBody: ErrorBodyWriter;
  /** Where the form of errors depends on the address: that of this one, asked where no route is known. */
  readonly errorBodyAt?: (url: string) => ErrorBodyWriter;
}

export const SERVER_RETRY_AFTER_MS = 1_000;

/** How often Node looks for requests that take too long. */
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;

export function createBaseApp(options: ConnectionOptions, facts: ApplicationFacts): FastifyInstance {
  const { limits, log, apiKey, metrics } = options;
  const { corsOrigins, openPaths, writeErrorBody } = facts;
  const app = fastify({
    loggerInstance: log,
    // Ours alone: an id that a client could choose would let it write into the log and pass for another request.
    genReqId: () => randomUUID(),
    // The server writes its own line for each request, without query string and headers.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodySizeLimitBytes,
    requestTimeout: limits.requestTimeoutMs,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_INTERVAL_MS, limits.headersTimeoutMs),
    },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: clientErrorHandler(writeErrorBody),
    frameworkErrors: (error, request, reply) =>
      void answerError(error, request, reply, facts.errorBodyAt?.(request.url) ?? writeErrorBody),
  });
  // Each API brings the parser of its own bodies; those sent to unknown addresses are not read.
  app.removeAllContentTypeParsers();
  addErrorHandlers(app, writeErrorBody);
  trackResponses(app);
  // Adds the request id before any hook can refuse the request, so that error answers carry it too.
  addRequestId(app);
  // Adds CORS headers before the key is asked for: browsers send preflights without one, and a page must be able to read why it
  // was refused.
  addCrossOriginAnswers(app, corsOrigins);
  if (apiKey !== null) addApiKeyCheck(app, apiKey, openPaths);
  addEarlyRefusals(app, options);
  addRequestLog(app, metrics);
  return app;
}

function addRequestId(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
}

/** Refuses what need not be read: new work during a shutdown, and bodies that say themselves that they are too large. */
function addEarlyRefusals(app: FastifyInstance, { isDraining, limits }: ConnectionOptions): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.method === 'POST' && isDraining()) throw draining();
    validateDeclaredLength(request.headers['content-length'], limits.bodySizeLimitBytes);
    done();
  });
}

function addRequestLog(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method, url } = request;
    const durationMs = Math.round(reply.elapsedTime);
    const { statusCode: status } = reply;
    const errorCode = errorCodeOf(request);
    metrics.countRequest({ method, route: request.routeOptions.url, status, durationMs, errorCode });
    request.log.info({ method, path: pathOf(url), status, durationMs }, 'answered');
    done();
  });
}
