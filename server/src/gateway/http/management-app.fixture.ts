// For tests only: the management application, quiet and open unless the test says otherwise.
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createMetrics } from '../metrics/metrics.js';
import { buildManagementApp, type ManagementAppDeps } from './app.js';
import { LIMITS } from './scripted-app.fixture.js';

export const managementApp = (
  given: Pick<ManagementAppDeps, 'readers'> & Partial<ManagementAppDeps>,
): FastifyInstance =>
  buildManagementApp({
    limits: LIMITS,
    log: pino({ level: 'silent' }),
    isDraining: () => false,
    apiKey: null,
    metrics: createMetrics(),
    showsMetrics: true,
    shownConfig: {},
    ...given,
  });
