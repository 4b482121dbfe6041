// The HTTP servers as Fastify applications, without their ports, so that tests can ask them in process. Assembles only: what all
// routes share is connection/, each API is a folder of its own.
import type { FastifyInstance } from 'fastify';
import { createBaseApp, type ConnectionOptions } from './connection/base-app.js';
import { addHealthRoutes, HEALTH_PATHS } from './management/health-routes.js';
import { addManagementApi, type ManagementOptions } from './management/management-api.js';
import { addStatusRoute, type StatusOptions } from './management/status-route.js';
import { addCountRoute, type CountOptions } from './native/count-route.js';
import { addNativeApi } from './native/native-api.js';
import { writeNativeError } from './native/native-error.js';
import { addPage, openPagePaths, type PageDeps } from './page/page-routes.js';
import { addOpenaiApi, type OpenaiOptions } from './openai/openai-api.js';
import { writeOpenaiError } from './openai/openai-error.js';
import { addTokenTools, type TokenToolOptions } from './tokens/token-tools.js';

export interface InferenceAppDeps
  extends ConnectionOptions, OpenaiOptions, StatusOptions, CountOptions, TokenToolOptions, PageDeps {
  /** Pages of other origins that may call; `*` alone is all of them. */
  readonly corsOrigins: readonly string[];
}

export type ManagementAppDeps = ConnectionOptions & ManagementOptions;

const FACTS = { openPaths: HEALTH_PATHS, writeErrorBody: writeNativeError };

export async function buildApp(deps: InferenceAppDeps): Promise<FastifyInstance> {
  const openPaths = [...HEALTH_PATHS, ...openPagePaths(deps.page)];
  const app = createBaseApp(deps, { ...FACTS, openPaths, corsOrigins: deps.corsOrigins });
  addPage(app, deps);
  addStatusRoute(app, deps);
  addHealthRoutes(app, deps);
  await addNativeApi(app, deps);
  await addCountRoute(app, deps);
  await addTokenTools(app, deps);
  await addOpenaiApi(app, deps);
  return app;
}

/** The port of programs that know the OpenAI API only: every error has its form. */
export async function buildOpenaiApp(deps: InferenceAppDeps): Promise<FastifyInstance> {
  const app = createBaseApp(deps, {
    openPaths: HEALTH_PATHS,
    writeErrorBody: writeOpenaiError,
    corsOrigins: deps.corsOrigins,
  });
  addHealthRoutes(app, deps);
  await addOpenaiApi(app, deps);
  return app;
}

export async function buildManagementApp(deps: ManagementAppDeps): Promise<FastifyInstance> {
  const app = createBaseApp(deps, { ...FACTS, corsOrigins: [] });
  await addManagementApi(app, deps);
  addHealthRoutes(app, deps);
  return app;
}
