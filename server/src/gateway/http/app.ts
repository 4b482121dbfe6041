// The HTTP servers as Fastify applications, without their ports, so that tests can ask them in process. Assembles only: what all
// routes share is connection/, each API is a folder of its own.
import type { FastifyInstance } from 'fastify';
import type { AnswerOptions } from './connection/answer-job.js';
import { createBaseApp, type ConnectionOptions } from './connection/base-app.js';
import { addHealthRoutes, HEALTH_PATHS } from './management/health-routes.js';
import { addManagementApi, type ManagementOptions } from './management/management-api.js';
import { addStatusRoute, type StatusOptions } from './management/status-route.js';
import { addNativeApi } from './native/native-api.js';
import { writeNativeError } from './native/native-error.js';

export interface InferenceAppDeps extends ConnectionOptions, AnswerOptions, StatusOptions {
  /** Pages of other origins that may call; `*` alone is all of them. */
  readonly corsOrigins: readonly string[];
}

export type ManagementAppDeps = ConnectionOptions & ManagementOptions;

const FACTS = { openPaths: HEALTH_PATHS, writeErrorBody: writeNativeError };

export async function buildApp(deps: InferenceAppDeps): Promise<FastifyInstance> {
  const app = createBaseApp(deps, { ...FACTS, corsOrigins: deps.corsOrigins });
  addStatusRoute(app, deps);
  addHealthRoutes(app, deps);
  await addNativeApi(app, deps);
  return app;
}

export function buildManagementApp(deps: ManagementAppDeps): FastifyInstance {
  const app = createBaseApp(deps, { ...FACTS, corsOrigins: [] });
  addManagementApi(app, deps);
  addHealthRoutes(app, deps);
  return app;
}
