// The management API: what only the operator should see. Its port stays inside.
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../../metrics/metrics.js';
import type { ReaderRegistry } from '../../readers/registry.js';
import { detailedStatus } from './status-answer.js';

export interface ManagementOptions {
  readonly registry: ReaderRegistry;
  readonly metrics: Metrics;
  /** The configuration as /status shows it, without secrets. */
  readonly shownConfig: Readonly<Record<string, unknown>>;
}

export function addManagementApi(app: FastifyInstance, options: ManagementOptions): void {
  const { registry, metrics, shownConfig } = options;
  app.get('/status', () => detailedStatus(registry, shownConfig));
  app.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await metrics.print()));
}
