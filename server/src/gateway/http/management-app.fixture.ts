// For tests only: the management application, quiet and open unless the test says otherwise.
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createMetrics } from '../metrics/metrics.js';
import { createBodyReader } from './connection/read-body.js';
import { buildManagementApp, type ManagementAppDeps } from './app.js';
import { LIMITS } from './scripted-app.fixture.js';

const nobody = (): never => {
  throw new TypeError('this test changes and asks no reader');
};

export const managementApp = (
  given: Pick<ManagementAppDeps, 'readers'> & Partial<ManagementAppDeps>,
): Promise<FastifyInstance> =>
  buildManagementApp({
    limits: LIMITS,
    log: pino({ level: 'silent' }),
    isDraining: () => false,
    apiKey: null,
    metrics: createMetrics(),
    showsMetrics: true,
    host: '127.0.0.1',
    readBody: createBodyReader(LIMITS),
    control: { add: nobody, change: nobody, remove: nobody, settingsOf: nobody },
    questions: { askReader: nobody, askGroup: nobody },
    shownConfig: {},
    version: 'test',
    ...given,
  });
