// /status on the inference port: who is there, for anybody who may send requests.
import type { FastifyInstance } from 'fastify';
import { CapacityError } from '../../../errors.js';
import type { ReadersView } from '../../readers/readers-view.js';
import { SERVER_RETRY_AFTER_MS } from '../connection/base-app.js';
import { STATUS } from './management-operations.js';
import { maskedStatus } from './status-answer.js';

export interface StatusOptions {
  readonly readers: ReadersView;
  /** All ports that this server listens on. */
  readonly ports: () => readonly number[];
  /** Whether a shutdown has begun. */
  readonly isDraining: () => boolean;
}

export function addStatusRoute(app: FastifyInstance, { readers, ports, isDraining }: StatusOptions): void {
  app.get('/status', { config: { operation: STATUS } }, () => {
    if (isDraining()) {
      throw new CapacityError(
        'server.not_ready',
        'Server is not available: it is shutting down.',
        SERVER_RETRY_AFTER_MS,
      );
    }
    return maskedStatus(readers, ports());
  });
}
