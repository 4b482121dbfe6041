// Whether the server can be sent requests, for load balancers and orchestrators: open to all, since they send no key.
import type { FastifyInstance } from 'fastify';
import { CapacityError } from '../../../errors.js';
import type { ReadersView } from '../../readers/readers-view.js';
import { SERVER_RETRY_AFTER_MS } from '../connection/base-app.js';

export const HEALTH_PATHS = ['/healthz'] as const;

export interface HealthOptions {
  readonly readers: ReadersView;
  /** Whether a shutdown has begun. */
  readonly isDraining: () => boolean;
}

export function addHealthRoute(app: FastifyInstance, { readers, isDraining }: HealthOptions): void {
  app.get('/healthz', () => {
    if (isDraining() || !readers.groups().every((group) => group.isReady)) {
      throw new CapacityError(
        'server.not_ready',
        'The server is not ready to process requests yet.',
        SERVER_RETRY_AFTER_MS,
      );
    }
    return { status: 'ok' };
  });
}
