// The HTTP servers as Fastify applications, without their ports, so that tests can ask them in process. Assembles only: what all
// routes share is connection/, each API is a folder of its own.
import type { FastifyInstance } from 'fastify';
import { createBaseApp, type ConnectionOptions } from './connection/base-app.js';
import type { ErrorBodyWriter } from './connection/public-error.js';
import { collectRoutes } from './description/described-routes.js';
import { addDescription, DESCRIPTION_PATHS } from './description/description-routes.js';
import { addHealthRoutes, HEALTH_PATHS } from './management/health-routes.js';
import { addManagementApi, type ManagementOptions } from './management/management-api.js';
import { addStatusRoute, type StatusOptions } from './management/status-route.js';
import { addCountRoute, type CountOptions } from './native/count-route.js';
import { addNativeApi } from './native/native-api.js';
import { NATIVE_ERROR_FORM } from './native/native-error.js';
import type { ErrorForm } from './description/operation.js';
import { addPage, openPagePaths, type PageDeps } from './page/page-routes.js';
import { addAnthropicApi, ANTHROPIC_PREFIX } from './anthropic/anthropic-api.js';
import { ANTHROPIC_ERROR_FORM } from './anthropic/anthropic-error.js';
import type { ForeignApiOptions } from './input/foreign-api.js';
import { addOllamaApi, OLLAMA_PREFIX } from './ollama/ollama-api.js';
import { OLLAMA_ERROR_FORM } from './ollama/ollama-error.js';
import { addOpenaiApi, OPENAI_PREFIX } from './openai/openai-api.js';
import { OPENAI_ERROR_FORM } from './openai/openai-error.js';
import { addTokenTools, type TokenToolOptions } from './tokens/token-tools.js';

export interface InferenceAppDeps
  extends ConnectionOptions, ForeignApiOptions, StatusOptions, CountOptions, TokenToolOptions, PageDeps {
  /** Pages of other origins that may call; `*` alone is all of them. */
  readonly corsOrigins: readonly string[];
}

export interface ManagementAppDeps extends ConnectionOptions, ManagementOptions {
  /** Of the program. */
  readonly version: string;
}

/** What the ports differ in, below their routes. */
interface Port {
  readonly title: string;
  readonly description: string;
  readonly errorForm: ErrorForm;
  readonly corsOrigins: readonly string[];
  readonly openPaths: readonly string[];
  readonly errorBodyAt?: (url: string) => ErrorBodyWriter;
}

export async function buildApp(deps: InferenceAppDeps): Promise<FastifyInstance> {
  const port = {
    title: 'Takeoff: inference',
    description: INFERENCE,
    errorForm: NATIVE_ERROR_FORM,
    corsOrigins: deps.corsOrigins,
    openPaths: openPagePaths(deps.page),
    errorBodyAt: (url: string) => errorFormAt(url).write,
  };
  return describedApp(deps, port, async (app) => {
    await addNativeApi(app, deps);
    await addCountRoute(app, deps);
    await addTokenTools(app, deps);
    await addOpenaiApi(app, deps);
    await addOllamaApi(app, deps);
    await addAnthropicApi(app, deps);
    addStatusRoute(app, deps);
    addHealthRoutes(app, deps);
    addPage(app, deps);
  });
}

function errorFormAt(url: string): ErrorForm {
  if (url.startsWith(ANTHROPIC_PREFIX)) return ANTHROPIC_ERROR_FORM;
  if (url.startsWith(`${OPENAI_PREFIX}/`)) return OPENAI_ERROR_FORM;
  return url.startsWith(`${OLLAMA_PREFIX}/`) ? OLLAMA_ERROR_FORM : NATIVE_ERROR_FORM;
}

/** The port of programs that know the OpenAI API only: every error has its form. */
export async function buildOpenaiApp(deps: InferenceAppDeps): Promise<FastifyInstance> {
  const port = {
    title: 'Takeoff: OpenAI API',
    description: OPENAI,
    errorForm: OPENAI_ERROR_FORM,
    corsOrigins: deps.corsOrigins,
    openPaths: [],
  };
  return describedApp(deps, port, async (app) => {
    await addOpenaiApi(app, deps);
    addHealthRoutes(app, deps);
  });
}

export async function buildManagementApp(deps: ManagementAppDeps): Promise<FastifyInstance> {
  const port = {
    title: 'Takeoff: management',
    description: MANAGEMENT,
    errorForm: NATIVE_ERROR_FORM,
    corsOrigins: [],
    openPaths: [],
  };
  return describedApp(deps, port, async (app) => {
    await addManagementApi(app, deps);
    addHealthRoutes(app, deps);
  });
}

/** An application with these routes, and with those that describe them. */
async function describedApp(
  deps: ConnectionOptions & { readonly version: string },
  { title, description, errorForm, openPaths: ownOpenPaths, ...port }: Port,
  addRoutes: (app: FastifyInstance) => Promise<void>,
): Promise<FastifyInstance> {
  const openPaths = [...HEALTH_PATHS, ...DESCRIPTION_PATHS, ...ownOpenPaths];
  const app = createBaseApp(deps, { ...port, openPaths, writeErrorBody: errorForm.write });
  const routes = collectRoutes(app);
  await addRoutes(app);
  const asksForKey = deps.apiKey !== null;
  addDescription(app, routes, {
    ...{ title, description, errorForm, asksForKey, openPaths },
    version: deps.version,
  });
  return app;
}

const EVERYWHERE =
  'Every GET answers HEAD, too. Unknown fields of requests are ignored, and null means the same as leaving a field out. Bodies may be compressed with gzip, deflate or br.';
const INFERENCE = `Prompts and images in, text out: the endpoints of Takeoff, token tools, the OpenAI API below /v1, Anthropic's below /v1/messages, and Ollama's below /api.\n\n${EVERYWHERE}`;
const OPENAI = `For programs that were written for OpenAI's API. docs/openai.md says what each field does here.\n\n${EVERYWHERE}`;
const MANAGEMENT = `For the operator: readers come and go here. Keep this port private.\n\n${EVERYWHERE}`;
