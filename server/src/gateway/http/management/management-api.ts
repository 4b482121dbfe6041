// The management API: what only the operator should see. Its port stays inside.
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../../metrics/metrics.js';
import { MANAGEMENT_STATUS, METRICS } from './management-operations.js';
import { addReaderRoutes, type ReaderRouteOptions } from './reader-routes.js';
import { detailedStatus } from './status-answer.js';

export interface ManagementOptions extends ReaderRouteOptions {
  readonly metrics: Metrics;
  /** Whether /metrics is answered. */
  readonly showsMetrics: boolean;
  /** The configuration as /status shows it, without secrets. */
  readonly shownConfig: Readonly<Record<string, unknown>>;
}

export async function addManagementApi(app: FastifyInstance, options: ManagementOptions): Promise<void> {
  const { readers, metrics, showsMetrics, shownConfig } = options;
  app.get('/status', { config: { operation: MANAGEMENT_STATUS } }, () =>
    detailedStatus(readers, shownConfig),
  );
  await addReaderRoutes(app, options);
  if (!showsMetrics) return;
  app.get('/metrics', { config: { operation: METRICS } }, async (_, reply) =>
    reply.type(metrics.contentType).send(await metrics.print()),
  );
}
