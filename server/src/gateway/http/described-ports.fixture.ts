// For tests only: the three ports as scripted applications, and the document that each answers.
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createMetrics } from '../metrics/metrics.js';
import { buildOpenaiApp } from './app.js';
import { createBodyReader } from './connection/read-body.js';
import type { OpenApiDocument } from './description/openapi.js';
import { managementApp } from './management-app.fixture.js';
import { pageFile } from './page/page-files.js';
import { LIMITS, scriptedApp, type ScriptedAppOptions } from './scripted-app.fixture.js';

export const PORTS = ['inference', 'management', 'openai'] as const;
export type PortName = (typeof PORTS)[number];

export interface DescribedPorts {
  readonly apps: Readonly<Record<PortName, FastifyInstance>>;
  close(): Promise<void>;
}

/** With a page of two files. */
export async function describedPorts(options: ScriptedAppOptions = {}): Promise<DescribedPorts> {
  const page = {
    files: {
      html: pageFile('index.html', Buffer.from('<!doctype html>')),
      assets: ['a-1.js', 'b-2.css'].map((name) => pageFile(`assets/${name}`, Buffer.from(''))),
    },
    apiAddress: null,
    limits: { body_size_limit_bytes: 1, max_image_pixels: 2, max_image_side_px: 3 },
  };
  const scripted = await scriptedApp({ ...options, page });
  const { service: readers, inference, counting } = scripted;
  const apiKey = options.apiKey ?? null;
  const management = await managementApp({ readers, apiKey });
  const openai = await buildOpenaiApp({
    readers,
    inference,
    counting,
    questions: readers,
    limits: LIMITS,
    log: pino({ level: 'silent' }),
    isDraining: () => false,
    corsOrigins: [],
    page: null,
    readBody: createBodyReader(LIMITS),
    version: 'test',
    ports: () => [],
    apiKey,
    metrics: createMetrics(),
  });
  return {
    apps: { inference: scripted.app, management, openai },
    close: async () => {
      await Promise.all([management.close(), openai.close()]);
      await scripted.close();
    },
  };
}

export const documentOf = async (app: FastifyInstance): Promise<OpenApiDocument> =>
  (await app.inject('/openapi.json')).json<OpenApiDocument>();
