// Whether the server can be sent requests, for load balancers and orchestrators: open to all, since they send no key.
import type { FastifyInstance } from 'fastify';
import { CapacityError } from '../../../errors.js';
import type { ReaderRegistry } from '../../readers/registry.js';
import { SERVER_RETRY_AFTER_MS } from '../connection/base-app.js';

export const HEALTH_PATHS = ['/healthz'] as const;

export interface HealthOptions {
  readonly registry: ReaderRegistry;
  /** Whether a shutdown has begun. */
  readonly isDraining: () => boolean;
}

export function addHealthRoute(app: FastifyInstance, { registry, isDraining }: HealthOptions): void {
  app.get('/healthz', () => {
    if (isDraining() || !registry.isReady) {
      throw new CapacityError(
        'server.not_ready',
        'The server is not ready to process requests yet.',
        SERVER_RETRY_AFTER_MS,
      );
    }
    return { status: 'ok' };
  });
}
